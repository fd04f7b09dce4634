package dev.lte.examples.springboot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.InvalidRequestException;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.ModelClosedException;
import dev.lte.ModelFormatException;
import dev.lte.examples.micrometer.LteMetrics;
import dev.lte.examples.springai.LteChatModel;
import dev.lte.examples.springai.LteChatOptions;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.model.ChatModel;
import org.springframework.ai.chat.prompt.Prompt;
import org.springframework.ai.model.chat.client.autoconfigure.ChatClientAutoConfiguration;
import org.springframework.ai.model.tool.ToolCallingManager;
import org.springframework.ai.model.tool.autoconfigure.ToolCallingAutoConfiguration;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ConfigurableApplicationContext;

@Timeout(60)
class LteAutoConfigurationTest {
    private static final String STORY = "lte.model=../models/tinystories-656k.gguf";
    private static final String TEMPLATE = "{% for m in messages %}{{ m.content }}{% endfor %}";

    private final ApplicationContextRunner runner = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(
                    LteAutoConfiguration.class, ToolCallingAutoConfiguration.class, ChatClientAutoConfiguration.class))
            .withPropertyValues("lte.backend=cpu", "lte.threads=1", "lte.chat.max-tokens=4");

    @TempDir
    Path directory;

    private ApplicationContextRunner withStory() throws IOException {
        Path template = Files.writeString(directory.resolve("template.jinja"), TEMPLATE);
        return runner.withPropertyValues(STORY, "lte.chat-template=" + template.toUri());
    }

    @Test
    void aModelAndItsChatModelAreThereAndTheModelIsClosedWithTheContext() throws IOException {
        Model[] model = new Model[1];
        withStory().run(context -> {
            assertThat(context)
                    .hasSingleBean(Model.class)
                    .hasSingleBean(ChatModel.class)
                    .hasSingleBean(ToolCallingManager.class)
                    .doesNotHaveBean(LteMetrics.class);
            model[0] = context.getBean(Model.class);
            assertThat(model[0].info().backend()).isEqualTo("cpu");
            String answer = context.getBean(ChatClient.Builder.class)
                    .build()
                    .prompt("Once upon a time")
                    .call()
                    .content();
            assertThat(answer).isNotBlank();
        });
        assertThatThrownBy(() -> LteChatModel.builder(model[0]).build().call(new Prompt("x")))
                .isInstanceOf(ModelClosedException.class);
    }

    @Test
    void withoutAModelNothingIsConfigured() {
        runner.run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(Model.class));
    }

    @Test
    void everyPropertyReachesTheOptions() throws IOException {
        withStory()
                .withPropertyValues(
                        "lte.context-length=128",
                        "lte.max-streams=2",
                        "lte.max-queued=3",
                        "lte.stall-timeout=10s",
                        "lte.cache-type=f32",
                        "lte.cache-size=64MB",
                        "lte.prefix-cache=false",
                        "lte.chat.model=story",
                        "lte.chat.temperature=0.1",
                        "lte.chat.top-k=2",
                        "lte.chat.top-p=0.3",
                        "lte.chat.min-p=0.04",
                        "lte.chat.typical-p=0.5",
                        "lte.chat.repetition-penalty=1.6",
                        "lte.chat.frequency-penalty=0.7",
                        "lte.chat.presence-penalty=0.8",
                        "lte.chat.stop-sequences=a,b",
                        "lte.chat.seed=9",
                        "lte.chat.threshold=0.25",
                        "lte.chat.reasoning=false")
                .run(context -> {
                    assertThat(context.getBean(Model.class).info().contextLength())
                            .isEqualTo(128);
                    assertThat(context.getBean(LteChatModel.class).getOptions())
                            .isEqualTo(LteChatOptions.builder()
                                    .model("story")
                                    .temperature(0.1)
                                    .topK(2)
                                    .topP(0.3)
                                    .minP(0.04)
                                    .typicalP(0.5)
                                    .repetitionPenalty(1.6)
                                    .frequencyPenalty(0.7)
                                    .presencePenalty(0.8)
                                    .maxTokens(4)
                                    .stopSequences(List.of("a", "b"))
                                    .seed(9L)
                                    .threshold(0.25)
                                    .reasoning(false)
                                    .build());
                    LteProperties properties = context.getBean(LteProperties.class);
                    assertThat(properties.maxStreams()).isEqualTo(2);
                    assertThat(properties.maxQueued()).isEqualTo(3);
                    assertThat(properties.stallTimeout()).hasSeconds(10);
                    assertThat(properties.prefixCache()).isFalse();
                });
    }

    @Test
    void withARegistryThereAreMetersAndObservationsOfGenerations() throws IOException {
        List<String> observed = new CopyOnWriteArrayList<>();
        ObservationRegistry observations = ObservationRegistry.create();
        observations.observationConfig().observationHandler(new ObservationHandler<Observation.Context>() {
            @Override
            public boolean supportsContext(Observation.Context context) {
                return true;
            }

            @Override
            public void onStop(Observation.Context context) {
                var parent = context.getParentObservation();
                observed.add(context.getName()
                        + (parent == null
                                ? ""
                                : " under " + parent.getContextView().getName()));
            }
        });
        withStory()
                .withBean(SimpleMeterRegistry.class)
                .withBean(ObservationRegistry.class, () -> observations)
                .run(context -> {
                    context.getBean(ChatModel.class).call("Once upon a time");
                    SimpleMeterRegistry meters = context.getBean(SimpleMeterRegistry.class);
                    assertThat(meters.get("lte.tokens")
                                    .tag("kind", "generated")
                                    .counter()
                                    .count())
                            .isPositive();
                    assertThat(meters.get("lte.cache.pages.total").gauge().value())
                            .isPositive();
                    assertThat(observed)
                            .containsExactly("lte.generation under gen_ai.client.operation", "gen_ai.client.operation");
                });
    }

    @Test
    void beansOfTheApplicationTakeThePlaceOfThese() throws IOException {
        try (Model own = Lte.load(Path.of("..", "models", "tinystories-656k.gguf"))) {
            withStory()
                    .withBean("own", Model.class, () -> own)
                    .run(context -> assertThat(context.getBean(Model.class)).isSameAs(own));
        }
    }

    @Test
    void anotherProviderCanBeChosen() throws IOException {
        withStory()
                .withPropertyValues("spring.ai.model.chat=ollama")
                .run(context -> assertThat(context).hasSingleBean(Model.class).doesNotHaveBean(LteChatModel.class));
    }

    @Test
    void whatIsWrongFailsTheContextByName() throws IOException {
        Path broken = Files.writeString(directory.resolve("broken.gguf"), "GGUF");
        runner.withPropertyValues("lte.model=" + broken)
                .run(context -> assertThat(context).getFailure().rootCause().isInstanceOf(ModelFormatException.class));
        runner.withPropertyValues(STORY, "lte.threads=-1")
                .run(context -> assertThat(context)
                        .getFailure()
                        .rootCause()
                        .isInstanceOf(InvalidRequestException.class)
                        .hasMessageContaining("threads"));
    }

    @SpringBootApplication
    static class Application {}

    /** With the imports file, as an application finds it. */
    @Test
    void anApplicationGetsItByItsDependencyAlone() throws IOException {
        Path template = Files.writeString(directory.resolve("template.jinja"), TEMPLATE);
        try (ConfigurableApplicationContext context = new SpringApplicationBuilder(Application.class)
                .properties(
                        STORY,
                        "lte.chat-template=" + template.toUri(),
                        "lte.chat.max-tokens=4",
                        "spring.main.banner-mode=off",
                        "logging.level.root=warn")
                .run()) {
            assertThat(context.getBean(ChatModel.class).call("Once upon a time"))
                    .isNotBlank();
        }
    }

    @Test
    void idesFindWhatThePropertiesMean() throws IOException {
        try (InputStream metadata = Objects.requireNonNull(
                getClass().getResourceAsStream("/META-INF/spring-configuration-metadata.json"))) {
            assertThat(new String(metadata.readAllBytes(), StandardCharsets.UTF_8))
                    .contains("\"lte.model\"", "\"lte.cache-size\"", "\"lte.chat.threshold\"", "sparsity dial");
        }
    }
}
