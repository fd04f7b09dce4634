package dev.lte.examples.langchain4j;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.common.AbstractChatModelIT;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.ExtendWith;

/** What LangChain4j asks of all models. */
@ExtendWith(SharedTests.class)
class SharedChatModelTest extends AbstractChatModelIT {
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
    protected List<ChatModel> models() {
        return List.of(LteChatModel.builder(stories.model)
                .defaultRequestParameters(LteChatRequestParameters.builder()
                        .temperature(0.0)
                        .maxOutputTokens(100)
                        .build())
                .build());
    }

    @Override
    protected ChatModel createModelWith(ChatRequestParameters parameters) {
        return LteChatModel.builder(stories.model)
                .defaultRequestParameters(LteChatRequestParameters.builder()
                        .temperature(0.0)
                        .maxOutputTokens(100)
                        .build()
                        .overrideWith(parameters))
                .build();
    }

    @Override
    protected ChatRequestParameters createIntegrationSpecificParameters(int maxOutputTokens) {
        return LteChatRequestParameters.builder()
                .maxOutputTokens(maxOutputTokens)
                .build();
    }

    @Override
    protected Class<? extends ChatResponseMetadata> chatResponseMetadataType(ChatModel model) {
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
