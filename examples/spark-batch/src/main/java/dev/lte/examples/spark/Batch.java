package dev.lte.examples.spark;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat_ws;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.sha2;

import dev.lte.InvalidRequestException;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.jspecify.annotations.Nullable;

/**
 * Does something with every row of a data set that has no result yet. Started again after a failure, or with more rows, it does what
 * is missing and keeps what is there.
 *
 * <pre>{@code
 * Dataset<Row> results = Batch.generate(
 *         spark.read().json("prompts.jsonl"), "prompt", null, ModelSource.of(file), Generation.defaults(), Results.parquet("out"));
 * }</pre>
 */
public final class Batch {
    /** Of results: what a row is known by. */
    public static final String ID = "id";

    /** Of results: why a row has none, or null. */
    public static final String ERROR = "error";

    /** Of results: what they were made with. */
    public static final String SETTINGS = "settings";

    private Batch() {}

    /**
     * Generates a text for every prompt. Results: {@code id}, {@code prompt}, {@code text}, {@code finish_reason}, {@code
     * prompt_tokens}, {@code generated_tokens}, {@code sparsity} (the share of the FFN that was skipped), {@code error}, {@code
     * settings}.
     *
     * @param id a column that is different in every row; null to know rows by their prompt, equal prompts being done once
     * @return all results
     * @throws InvalidRequestException if there are results that were made with other settings
     */
    public static Dataset<Row> generate(
            Dataset<Row> input,
            String prompt,
            @Nullable String id,
            ModelSource model,
            Generation how,
            Results results) {
        Column text = col(prompt).cast(DataTypes.StringType);
        return run(input, id, model, new GenerateTask(how, model.path()), results, text);
    }

    /**
     * Measures how well the model predicts texts. Results: {@code id}, {@code nats_per_character}, {@code nats}, {@code characters},
     * {@code tokens}, {@code error}, {@code settings}. {@code sum(nats) / sum(characters)} is that of the whole.
     *
     * @param prompt the column of what stands before the text and is not measured; null for none
     * @param id as in {@link #generate}
     * @param threshold tau; null for the model's own
     */
    public static Dataset<Row> evaluate(
            Dataset<Row> input,
            String text,
            @Nullable String prompt,
            @Nullable String id,
            ModelSource model,
            @Nullable Double threshold,
            Results results) {
        Column before = prompt == null ? lit(null) : col(prompt);
        return run(
                input,
                id,
                model,
                new EvaluateTask(threshold, model.path()),
                results,
                col(text).cast(DataTypes.StringType),
                before.cast(DataTypes.StringType));
    }

    private static Dataset<Row> run(
            Dataset<Row> input,
            @Nullable String id,
            ModelSource model,
            RowTask task,
            Results results,
            Column... columns) {
        SparkSession spark = input.sparkSession();
        Dataset<Row> rows = rows(input, id, columns);
        if (results.exist(spark)) {
            Dataset<Row> done = results.read(spark, task.schema());
            Row other = done
                    .filter(col(SETTINGS)
                            .notEqual(task.settings())
                            .or(col(SETTINGS).isNull()))
                    .select(SETTINGS)
                    .limit(1)
                    .collectAsList()
                    .stream()
                    .findFirst()
                    .orElse(null);
            if (other != null) {
                throw new InvalidRequestException(
                        "results", "a folder for " + task.settings(), other.get(0) + " in " + results.folder());
            }
            rows = rows.join(done.select(ID), rows.col(ID).equalTo(done.col(ID)), "left_anti");
        }
        if (results.tasks() > 0) {
            rows = rows.repartition(results.tasks());
        }
        results.append(rows.mapPartitions(new PartitionFunction(model, task), Encoders.row(task.schema())));
        return results.read(spark, task.schema());
    }

    private static Dataset<Row> rows(Dataset<Row> input, @Nullable String id, Column... columns) {
        Column[] all = new Column[columns.length + 1];
        for (int i = 0; i < columns.length; i++) {
            all[i + 1] = columns[i].as("c" + i);
        }
        if (id != null) {
            all[0] = col(id).cast(DataTypes.StringType).as(ID);
            return input.select(all);
        }
        Column hashed = sha2(columns[0], 256);
        for (int i = 1; i < columns.length; i++) {
            hashed = concat_ws("-", hashed, sha2(columns[i], 256));
        }
        all[0] = coalesce(hashed, lit("null")).as(ID);
        return input.select(all).dropDuplicates(new String[] {ID});
    }
}
