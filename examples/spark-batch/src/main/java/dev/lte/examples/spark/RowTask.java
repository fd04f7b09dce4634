package dev.lte.examples.spark;

import dev.lte.Model;
import java.io.Serializable;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StructType;
import reactor.core.publisher.Mono;

/** What is done with a row, on an executor. */
interface RowTask extends Serializable {
    /** Columns of the results, the id first. */
    StructType schema();

    /** What the results depend on besides the row, as text: results of other settings are not added to. */
    String settings();

    /**
     * @param row {@link Batch#ID} and the columns of the task
     * @return one row of {@link #schema}; an error fails the task
     */
    Mono<Row> run(Model model, Row row);
}
