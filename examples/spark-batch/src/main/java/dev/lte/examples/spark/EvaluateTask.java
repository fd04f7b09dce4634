package dev.lte.examples.spark;

import dev.lte.Model;
import java.util.stream.IntStream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Measures how well the model predicts the text of a row, after its prompt if there is one: negative log-likelihood in nats per
 * character (code point). Without a prompt, and where the model has no begin-of-text token, the first token is given, not predicted.
 * A text that does not fit the context is an error of its row.
 */
record EvaluateTask(@Nullable Double threshold, String model) implements RowTask {
    /** All logits of a text are in memory at once. */
    private static final long MAX_LOGITS = 1L << 28;

    @Override
    public StructType schema() {
        return new StructType()
                .add(Batch.ID, DataTypes.StringType)
                .add("nats_per_character", DataTypes.DoubleType)
                .add("nats", DataTypes.DoubleType)
                .add("characters", DataTypes.IntegerType)
                .add("tokens", DataTypes.IntegerType)
                .add(Batch.ERROR, DataTypes.StringType)
                .add(Batch.SETTINGS, DataTypes.StringType);
    }

    @Override
    public String settings() {
        return "evaluate with " + model + ", threshold " + threshold;
    }

    @Override
    public Mono<Row> run(Model loaded, Row row) {
        return Mono.fromSupplier(() -> {
            String id = row.getString(0);
            String text = row.getString(1);
            String prompt = row.getString(2);
            if (text == null) {
                return failed(id, "the text is null");
            }
            int[] begin = prompt == null ? new int[0] : loaded.tokenizer().encode(prompt);
            int[] rest = loaded.tokenizer().encode(text, prompt == null, false);
            int[] ids =
                    IntStream.concat(IntStream.of(begin), IntStream.of(rest)).toArray();
            int context = loaded.info().contextLength();
            if (ids.length > context || (long) ids.length * loaded.info().vocabulary() > MAX_LOGITS) {
                return failed(id, "the text has " + ids.length + " tokens, the context " + context);
            }
            int first = Math.max(begin.length, 1);
            if (first >= ids.length) {
                return failed(id, "the text has no token to predict");
            }
            // What is given spells something only if it is no special token.
            int given = begin.length > 0 ? 0 : characters(loaded.tokenizer().decode(ids[0]));
            return measured(
                    id, nats(loaded.logits(ids, threshold), ids, first), characters(text) - given, ids.length - first);
        });
    }

    private static int characters(String text) {
        return text.codePointCount(0, text.length());
    }

    private static double nats(float[][] logits, int[] ids, int first) {
        double nats = 0;
        for (int t = first; t < ids.length; t++) {
            float[] row = logits[t - 1];
            float max = Float.NEGATIVE_INFINITY;
            for (float logit : row) {
                max = Math.max(max, logit);
            }
            double sum = 0;
            for (float logit : row) {
                sum += Math.exp(logit - max);
            }
            nats += Math.log(sum) + max - row[ids[t]];
        }
        return nats;
    }

    private Row measured(String id, double nats, int characters, int tokens) {
        Double perCharacter = characters > 0 ? nats / characters : null;
        return RowFactory.create(id, perCharacter, nats, characters, tokens, null, settings());
    }

    private Row failed(String id, String error) {
        return RowFactory.create(id, null, null, null, null, error, settings());
    }
}
