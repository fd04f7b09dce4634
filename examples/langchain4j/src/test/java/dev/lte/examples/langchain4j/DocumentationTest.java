package dev.lte.examples.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.Model;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The example of docs/langchain4j.md runs, and is this. */
@Timeout(60)
class DocumentationTest {
    @Test
    void theExampleRunsAndIsTheOneShown() throws IOException {
        try (Stories stories = new Stories(Stories.TEMPLATE)) {
            Model model = stories.model;
            LteChatModel chat = LteChatModel.builder(model)
                    .defaultRequestParameters(LteChatRequestParameters.builder()
                            .maxOutputTokens(64)
                            .seed(7L)
                            .build())
                    .build();
            String answer = chat.chat("Name a planet.");
            assertThat(answer).isNotBlank();
        }
        String shown = Files.readString(Path.of("..", "..", "docs", "langchain4j.md"))
                .replaceAll("(?s).*```java(.*?)```.*", "$1");
        String here = Files.readString(Path.of("src/test/java/dev/lte/examples/langchain4j/DocumentationTest.java"));
        assertThat(here.replaceAll("\\s", "")).contains(shown.replaceAll("\\s", ""));
    }
}
