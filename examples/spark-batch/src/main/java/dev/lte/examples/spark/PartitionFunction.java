package dev.lte.examples.spark;

import java.util.Iterator;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.util.TaskCompletionListener;

/** A task of Spark: the rows of a partition with the model of its executor. */
record PartitionFunction(ModelSource model, RowTask task) implements MapPartitionsFunction<Row, Row> {
    @Override
    public Iterator<Row> call(Iterator<Row> rows) {
        RowWindow window = new RowWindow(ExecutorModels.get(model), rows, task, model.maxStreams());
        TaskCompletionListener end = context -> window.cancel();
        TaskContext.get().addTaskCompletionListener(end);
        return window;
    }
}
