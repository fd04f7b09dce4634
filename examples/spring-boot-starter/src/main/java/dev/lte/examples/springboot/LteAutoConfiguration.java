package dev.lte.examples.springboot;

import dev.lte.GenerationListener;
import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.examples.micrometer.LteMetrics;
import dev.lte.examples.springai.LteChatModel;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.observation.ObservationRegistry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.springframework.ai.chat.observation.ChatModelObservationConvention;
import org.springframework.ai.model.SpringAIModelProperties;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.core.io.Resource;

/**
 * A model and its chat model, if {@code lte.model} is set. Beans of the application take the place of these. The model is loaded
 * when the context starts and closed with it.
 */
@AutoConfiguration(
        afterName = {
            "org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration",
            "org.springframework.boot.micrometer.metrics.autoconfigure.export.simple.SimpleMetricsExportAutoConfiguration",
            "org.springframework.boot.micrometer.observation.autoconfigure.ObservationAutoConfiguration"
        },
        beforeName = "org.springframework.ai.model.chat.client.autoconfigure.ChatClientAutoConfiguration")
@ConditionalOnProperty("lte.model")
@EnableConfigurationProperties({LteProperties.class, LteChatProperties.class})
public class LteAutoConfiguration {
    /** Meters and observations of every generation; there are none without a {@link MeterRegistry}. */
    @Bean
    @ConditionalOnMissingBean(GenerationListener.class)
    @ConditionalOnBean(MeterRegistry.class)
    LteMetrics lteMetrics(MeterRegistry meters, ObjectProvider<ObservationRegistry> observations) {
        return new LteMetrics(meters, observations.getIfUnique(() -> ObservationRegistry.NOOP));
    }

    @Bean
    @ConditionalOnMissingBean
    Model lteModel(LteProperties properties, ObjectProvider<GenerationListener> listeners) {
        GenerationListener listener = listeners.getIfUnique();
        LoadOptions options = LoadOptions.of(how -> {
            properties.apply(how);
            if (properties.chatTemplate() != null) {
                how.chatTemplate(text(properties.chatTemplate()));
            }
            if (listener != null) {
                how.listener(listener);
            }
        });
        Model model = Lte.load(properties.model(), options);
        if (listener instanceof LteMetrics metrics) {
            metrics.bind(model);
        }
        return model;
    }

    private static String text(Resource resource) {
        try {
            return resource.getContentAsString(StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("lte.chat-template " + resource + " cannot be read", e);
        }
    }

    /** {@code spring.ai.model.chat} names another provider where several are on the class path. */
    @Bean
    @ConditionalOnMissingBean
    @ConditionalOnProperty(
            name = SpringAIModelProperties.CHAT_MODEL,
            havingValue = LteChatModel.PROVIDER,
            matchIfMissing = true)
    LteChatModel lteChatModel(
            Model model,
            LteChatProperties properties,
            ObjectProvider<ObservationRegistry> observations,
            ObjectProvider<ChatModelObservationConvention> conventions) {
        LteChatModel.Builder builder = LteChatModel.builder(model)
                .options(properties.options())
                .observationRegistry(observations.getIfUnique(() -> ObservationRegistry.NOOP));
        conventions.ifAvailable(builder::observationConvention);
        return builder.build();
    }
}
