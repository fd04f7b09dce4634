package dev.lte.examples.springai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.InvalidRequestException;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.contextpropagation.ObservationThreadLocalAccessor;
import io.micrometer.observation.tck.TestObservationRegistry;
import io.micrometer.observation.tck.TestObservationRegistryAssert;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.ai.chat.prompt.Prompt;
import reactor.util.context.Context;

/** Answers are observed as the conventions of Spring AI have it. */
@Timeout(60)
class ObservationTest {
    private static final String NAME = "gen_ai.client.operation";
    private static Stories stories;
    private final TestObservationRegistry registry = TestObservationRegistry.create();

    private record NoError() {}

    @BeforeAll
    static void load() {
        stories = new Stories(Stories.TEMPLATE);
    }

    private LteChatModel chat() {
        return LteChatModel.builder(stories.model)
                .options(LteChatOptions.builder().maxTokens(6).temperature(0.0).build())
                .observationRegistry(registry)
                .build();
    }

    @AfterAll
    static void close() {
        stories.close();
    }

    @Test
    void aCallIsObservedUnderTheCallersObservation() {
        Observation parent = Observation.start("request", registry);
        parent.scoped(() -> chat().call(new Prompt("Once upon")));
        parent.stop();
        TestObservationRegistryAssert.assertThat(registry)
                .hasObservationWithNameEqualTo(NAME)
                .that()
                .hasBeenStarted()
                .hasBeenStopped()
                .hasParentObservationEqualTo(parent)
                .hasContextualNameEqualTo("chat " + stories.model.info().name())
                .hasLowCardinalityKeyValue("gen_ai.operation.name", "chat")
                .hasLowCardinalityKeyValue("gen_ai.system", "lte")
                .hasLowCardinalityKeyValue(
                        "gen_ai.response.model", stories.model.info().name())
                .hasHighCardinalityKeyValue("gen_ai.request.max_tokens", "6")
                .hasHighCardinalityKeyValue("gen_ai.response.finish_reasons", "[\"LENGTH\"]")
                .hasHighCardinalityKeyValue("gen_ai.usage.output_tokens", "6");
    }

    @Test
    void aStreamIsObservedUnderTheObservationOfItsContext() {
        Observation parent = Observation.start("request", registry);
        chat().stream(new Prompt("Once upon"))
                .contextWrite(Context.of(ObservationThreadLocalAccessor.KEY, parent))
                .blockLast(Stories.SOON);
        parent.stop();
        TestObservationRegistryAssert.assertThat(registry)
                .hasObservationWithNameEqualTo(NAME)
                .that()
                .hasBeenStopped()
                .hasParentObservationEqualTo(parent)
                .hasHighCardinalityKeyValue("gen_ai.request.stream", "true")
                .hasHighCardinalityKeyValue("gen_ai.response.finish_reasons", "[\"LENGTH\"]")
                .hasHighCardinalityKeyValue("gen_ai.usage.output_tokens", "6");
    }

    @Test
    void errorsAndCancelledStreamsEndTheirObservation() {
        List<Object> errors = new CopyOnWriteArrayList<>();
        registry.observationConfig().observationHandler(new ObservationHandler<Observation.Context>() {
            @Override
            public boolean supportsContext(Observation.Context context) {
                return true;
            }

            @Override
            public void onStop(Observation.Context context) {
                errors.add(context.getError() == null ? new NoError() : context.getError());
            }
        });
        Prompt wrong = new Prompt("x", LteChatOptions.builder().topK(-1).build());
        assertThatThrownBy(() -> chat().stream(wrong).blockLast(Stories.SOON))
                .isInstanceOf(InvalidRequestException.class);
        assertThatThrownBy(() -> chat().call(wrong)).isInstanceOf(InvalidRequestException.class);
        chat().stream(new Prompt("Once upon")).blockFirst(Stories.SOON);
        assertThat(errors)
                .hasExactlyElementsOfTypes(InvalidRequestException.class, InvalidRequestException.class, NoError.class);
    }

    /** What observes a generation itself, such as lte-micrometer, finds the answer's observation above it. */
    @Test
    void theObservationIsInTheContextOfTheGeneration() {
        stories.contexts.clear();
        chat().call(new Prompt("Once upon"));
        chat().stream(new Prompt("Once upon")).blockLast(Stories.SOON);
        assertThat(stories.contexts)
                .extracting(context -> context.<Observation>get(ObservationThreadLocalAccessor.KEY)
                        .getContext()
                        .getName())
                .containsExactly(NAME, NAME);
    }
}
