package dev.lte.examples.langchain4j;

import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.common.AbstractChatModelListenerIT;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** What LangChain4j asks of the listeners of all models. */
class SharedListenerTest extends AbstractChatModelListenerIT {
    private static Stories stories;

    @BeforeAll
    static void load() {
        stories = new Stories(Stories.TEMPLATE);
    }

    @AfterAll
    static void close() {
        stories.close();
    }

    @Override
    protected ChatModel createModel(ChatModelListener listener) {
        return LteChatModel.builder(stories.model)
                .listeners(List.of(listener))
                .defaultRequestParameters(LteChatRequestParameters.builder()
                        .temperature(temperature())
                        .topP(topP())
                        .maxOutputTokens(maxTokens())
                        .build())
                .build();
    }

    @Override
    protected String modelName() {
        return stories.model.info().name();
    }

    @Override
    protected ChatModel createFailingModel(ChatModelListener listener) {
        return LteChatModel.builder(stories.model)
                .listeners(List.of(listener))
                .defaultRequestParameters(
                        LteChatRequestParameters.builder().topK(-1).build())
                .build();
    }

    @Override
    protected Class<? extends Exception> expectedExceptionClass() {
        return InvalidRequestException.class;
    }

    @Override
    protected boolean assertResponseId() {
        return false;
    }
}
