package dev.lte.examples.spark;

import dev.lte.InvalidRequestException;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;

/**
 * Where results are kept, a folder of files. Every finished task leaves a file there, also if the job fails later; a job that is
 * started again does only what is missing. One job at a time may write to a folder.
 *
 * @param folder of any file system that Spark knows
 * @param format {@code parquet} or {@code json} (one object a line)
 * @param tasks in how many the missing rows are done; 0 for as many as the input has partitions. What a failed task had done is lost
 */
public record Results(String folder, String format, int tasks) {
    /** Moves the files of a task into the folder when the task has ended, not when the job has. */
    private static final String COMMITTER = "mapreduce.fileoutputcommitter.algorithm.version";

    public Results {
        if (!format.equals("parquet") && !format.equals("json")) {
            throw new InvalidRequestException("format", "parquet or json", format);
        }
        if (tasks < 0) {
            throw new InvalidRequestException("tasks", "0 or more", tasks);
        }
    }

    public static Results parquet(String folder) {
        return new Results(folder, "parquet", 0);
    }

    public static Results json(String folder) {
        return new Results(folder, "json", 0);
    }

    public Results withTasks(int count) {
        return new Results(folder, format, count);
    }

    boolean exist(SparkSession spark) {
        try {
            Path path = new Path(folder);
            FileSystem files = path.getFileSystem(spark.sparkContext().hadoopConfiguration());
            if (!files.exists(path)) {
                return false;
            }
            for (FileStatus file : files.listStatus(path)) {
                if (!file.getPath().getName().startsWith("_")
                        && !file.getPath().getName().startsWith(".")) {
                    return true;
                }
            }
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException(folder + " cannot be read", e);
        }
    }

    Dataset<Row> read(SparkSession spark, StructType schema) {
        return spark.read().schema(schema).format(format).load(folder);
    }

    void append(Dataset<Row> rows) {
        rows.write().mode(SaveMode.Append).format(format).option(COMMITTER, "2").save(folder);
    }
}
