package dev.lte.examples.benchmarks;

import dev.lte.backend.DType;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** One kernel a method; {@link KernelReport} turns times into bandwidths. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules", "jdk.incubator.vector", "-Xmx2g"})
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
public class KernelBenchmark {
    /** Type of the weights. */
    @Param({"F32", "BF16", "Q8_0", "Q4_0", "Q4_K", "Q6_K"})
    public DType type = DType.Q8_0;

    /** Rows of the input: 1 for a decode step of one stream, more for streams side by side or a prompt. */
    @Param({"1", "4", "16", "128"})
    public int rows = 1;

    /** Threads of the backend; 0 for its own choice. */
    @Param("0")
    public int threads;

    private @Nullable LayerKernels kernels;

    @Setup
    public void open() {
        kernels = new LayerKernels("cpu", type, rows, threads);
    }

    @TearDown
    public void close() {
        kernels().close();
        kernels = null;
    }

    private LayerKernels kernels() {
        if (kernels == null) {
            throw new IllegalStateException("not set up");
        }
        return kernels;
    }

    @Benchmark
    public void linear() {
        kernels().linear();
    }

    @Benchmark
    public void denseFfn() {
        kernels().denseFfn();
    }

    /** Half of the experts. */
    @Benchmark
    public void sparseFfn() {
        kernels().sparseFfn();
    }

    @Benchmark
    public void router() {
        kernels().router();
    }

    /** Over a context of 1,024 positions in F16. */
    @Benchmark
    public void attention() {
        kernels().attention();
    }

    @Benchmark
    public void norm() {
        kernels().norm();
    }
}
