package dev.lte.examples.langchain4j;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.common.AbstractStreamingChatModelIT;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.ExtendWith;

/** What LangChain4j asks of all streaming models. */
@ExtendWith(SharedTests.class)
class SharedStreamingTest extends AbstractStreamingChatModelIT {
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
    protected List<StreamingChatModel> models() {
        return List.of(LteStreamingChatModel.builder(stories.model)
                .defaultRequestParameters(LteChatRequestParameters.builder()
                        .temperature(0.0)
                        .maxOutputTokens(100)
                        .build())
                .build());
    }

    @Override
    protected StreamingChatModel createModelWith(ChatRequestParameters parameters) {
        return LteStreamingChatModel.builder(stories.model)
                .defaultRequestParameters(LteChatRequestParameters.builder()
                        .temperature(0.0)
                        .maxOutputTokens(100)
                        .build()
                        .overrideWith(parameters))
                .build();
    }

    @Override
    public StreamingChatModel createModelWith(ChatModelListener listener) {
        return LteStreamingChatModel.builder(stories.model)
                .defaultRequestParameters(LteChatRequestParameters.builder()
                        .temperature(0.0)
                        .maxOutputTokens(100)
                        .build())
                .listeners(List.of(listener))
                .build();
    }

    @Override
    protected ChatRequestParameters createIntegrationSpecificParameters(int maxOutputTokens) {
        return LteChatRequestParameters.builder()
                .maxOutputTokens(maxOutputTokens)
                .build();
    }

    @Override
    protected Class<? extends ChatResponseMetadata> chatResponseMetadataType(StreamingChatModel model) {
        return LteChatResponseMetadata.class;
    }

    /** One name is known, the model's own. */
    @Override
    protected boolean supportsModelNameParameter() {
        return false;
    }

    @Override
    protected boolean supportsSingleImageInputAsBase64EncodedString() {
        return false;
    }

    @Override
    protected boolean supportsSingleImageInputAsPublicURL() {
        return false;
    }

    @Override
    protected boolean assertResponseId() {
        return false;
    }
}
