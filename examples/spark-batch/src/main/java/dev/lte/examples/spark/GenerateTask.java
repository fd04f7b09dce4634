package dev.lte.examples.spark;

import dev.lte.Completed;
import dev.lte.ContextOverflowException;
import dev.lte.FinishReason;
import dev.lte.GenerationEvent;
import dev.lte.GenerationRequest;
import dev.lte.Model;
import dev.lte.SparsityReport;
import dev.lte.TextDelta;
import dev.lte.Usage;
import dev.lte.chat.ChatRequest;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** Generates a text for the prompt of a row. A prompt that does not fit the context is an error of its row, any other fails the task. */
record GenerateTask(Generation how, String model) implements RowTask {
    static final String PROMPT = "prompt";

    @Override
    public StructType schema() {
        return new StructType()
                .add(Batch.ID, DataTypes.StringType)
                .add(PROMPT, DataTypes.StringType)
                .add("text", DataTypes.StringType)
                .add("finish_reason", DataTypes.StringType)
                .add("prompt_tokens", DataTypes.IntegerType)
                .add("generated_tokens", DataTypes.IntegerType)
                .add("sparsity", DataTypes.DoubleType)
                .add(Batch.ERROR, DataTypes.StringType)
                .add(Batch.SETTINGS, DataTypes.StringType);
    }

    @Override
    public String settings() {
        return "generate with " + model + ", " + how;
    }

    @Override
    public Mono<Row> run(Model loaded, Row row) {
        String id = row.getString(0);
        String prompt = row.getString(1);
        if (prompt == null) {
            return Mono.just(failed(id, null, "the prompt is null"));
        }
        Mono<Row> generated = how.chat() ? chat(loaded, id, prompt) : continuation(loaded, id, prompt);
        return generated.onErrorResume(
                ContextOverflowException.class,
                error -> Mono.just(failed(id, prompt, String.valueOf(error.getMessage()))));
    }

    private Mono<Row> chat(Model loaded, String id, String prompt) {
        return loaded.reply(how.apply(ChatRequest.builder(), id).user(prompt).build())
                .map(done ->
                        row(id, prompt, done.message().text(), done.finishReason(), done.usage(), done.sparsity()));
    }

    private Mono<Row> continuation(Model loaded, String id, String prompt) {
        GenerationRequest request =
                how.apply(GenerationRequest.builder(), id).prompt(prompt).build();
        return loaded.generate(request).collectList().map(events -> {
            Completed done = (Completed) events.getLast();
            return row(id, prompt, text(events), done.finishReason(), done.usage(), done.sparsity());
        });
    }

    private static String text(List<GenerationEvent> events) {
        StringBuilder text = new StringBuilder();
        for (GenerationEvent event : events) {
            if (event instanceof TextDelta delta) {
                text.append(delta.text());
            }
        }
        return text.toString();
    }

    private Row row(String id, String prompt, String text, FinishReason reason, Usage usage, SparsityReport sparsity) {
        return RowFactory.create(
                id,
                prompt,
                text,
                reason.name(),
                usage.promptTokens(),
                usage.generatedTokens(),
                sparsity.mean(),
                null,
                settings());
    }

    private Row failed(String id, @Nullable String prompt, String error) {
        return RowFactory.create(id, prompt, null, null, null, null, null, error, settings());
    }
}
