package dev.lte.examples.spark;

import dev.lte.Model;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.apache.spark.sql.Row;

/**
 * Runs a few rows together and gives the results in order. Rows are taken on the thread of the task alone, which waits for the
 * oldest result.
 */
final class RowWindow implements Iterator<Row> {
    private final Model model;
    private final Iterator<Row> rows;
    private final RowTask task;
    private final int size;
    private final Queue<CompletableFuture<Row>> running = new ArrayDeque<>();

    RowWindow(Model model, Iterator<Row> rows, RowTask task, int size) {
        this.model = model;
        this.rows = rows;
        this.task = task;
        this.size = size;
    }

    @Override
    public boolean hasNext() {
        return !running.isEmpty() || rows.hasNext();
    }

    @Override
    public Row next() {
        while (running.size() < size && rows.hasNext()) {
            running.add(task.run(model, rows.next()).toFuture());
        }
        CompletableFuture<Row> oldest = running.poll();
        if (oldest == null) {
            throw new NoSuchElementException();
        }
        try {
            return Objects.requireNonNull(oldest.get());
        } catch (InterruptedException e) {
            // Spark kills tasks so; its end cancels what runs.
            oldest.cancel(true);
            Thread.currentThread().interrupt();
            throw new CancellationException("the task was interrupted");
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw new CompletionException(e.getCause());
        }
    }

    /** Stops what runs. */
    void cancel() {
        running.forEach(result -> result.cancel(true));
        running.clear();
    }
}
