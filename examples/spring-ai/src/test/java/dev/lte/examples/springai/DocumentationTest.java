package dev.lte.examples.springai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.Model;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.model.ChatModel;

/** The example of docs/spring-ai.md runs, and is this. */
@Timeout(60)
class DocumentationTest {
    @Test
    void theExampleRunsAndIsTheOneShown() throws IOException {
        try (Stories stories = new Stories(Stories.TEMPLATE)) {
            Model model = stories.model;
            ChatModel chat = LteChatModel.builder(model)
                    .options(LteChatOptions.builder().maxTokens(64).build())
                    .build();
            String answer =
                    ChatClient.create(chat).prompt("Name a planet.").call().content();
            assertThat(answer).isNotBlank();
        }
        String shown = Files.readString(Path.of("..", "..", "docs", "spring-ai.md"))
                .replaceAll("(?s).*```java(.*?)```.*", "$1");
        String here = Files.readString(Path.of("src/test/java/dev/lte/examples/springai/DocumentationTest.java"));
        assertThat(here.replaceAll("\\s", "")).contains(shown.replaceAll("\\s", ""));
    }
}
