package dev.lte.core.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.LteException;
import dev.lte.UnsupportedModelException;
import dev.lte.core.format.MappedFile;
import dev.lte.core.format.TensorFile;
import dev.lte.core.format.TensorInfo;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.function.Function;

/**
 * Opens damaged files of one format and reads all that is in them. Each opens or throws a typed error, and does so within a time
 * and with allocations that the size of the file bounds.
 */
public final class TensorFileFuzz {
    private static final long HEAP_BYTES = 64L << 20;
    /** Far more than any file takes, so that a busy machine fails no test. */
    private static final long NANOSECONDS = 10_000_000_000L;

    private final String format;
    private final long seed;
    private final Function<MappedFile, ? extends TensorFile> open;
    private int opened;
    private int refused;

    /** @param open also reads what the format has beside tensors */
    public TensorFileFuzz(String format, long seed, Function<MappedFile, ? extends TensorFile> open) {
        this.format = format;
        this.seed = seed;
        this.open = open;
    }

    /**
     * Tries the mutations from {@code from} to {@code to}.
     *
     * @param head see {@link Mutations}
     */
    public void run(byte[] original, int head, int from, int to) {
        Mutations mutations = new Mutations(original, head, seed);
        for (int number = from; number < to; number++) {
            byte[] bytes = mutations.get(number);
            long begin = System.nanoTime();
            long before = AllocatedBytes.ofThisThread();
            try {
                read(open.apply(MappedFile.of(Path.of("damaged"), MemorySegment.ofArray(bytes))));
                opened++;
            } catch (LteException e) {
                refused++;
            } catch (RuntimeException | Error e) {
                throw new AssertionError(name(number) + ": " + e, e);
            }
            long allocated = AllocatedBytes.ofThisThread() - before;
            if (allocated > bytes.length + HEAP_BYTES || System.nanoTime() - begin > NANOSECONDS) {
                throw new AssertionError(name(number) + ": " + allocated + " bytes, " + (System.nanoTime() - begin)
                        + " ns for " + bytes.length + " bytes");
            }
        }
        // Damage must reach both what is checked and what is not.
        assertThat(opened).as("%s files that opened", format).isGreaterThan((to - from) / 100);
        assertThat(refused).as("%s files that did not", format).isGreaterThan((to - from) / 100);
    }

    private String name(int number) {
        return format + ", seed " + seed + ", mutation " + number;
    }

    private static void read(TensorFile file) {
        long sum = 0;
        for (TensorInfo tensor : file.tensors()) {
            MemorySegment bytes = file.bytes(tensor);
            for (long at = 0; at < bytes.byteSize(); at += 64) {
                sum += bytes.get(ValueLayout.JAVA_BYTE, at);
            }
            if (bytes.byteSize() > 0) {
                sum += bytes.get(ValueLayout.JAVA_BYTE, bytes.byteSize() - 1);
            }
            long expected = tensor.dtype().byteSize(tensor.columns()) * tensor.rows();
            if (bytes.byteSize() != expected || file.find(tensor.name()) != tensor) {
                throw new AssertionError(
                        "expected " + expected + " bytes of " + tensor + ", found " + bytes.byteSize());
            }
        }
        for (String name : file.unsupported().keySet()) {
            try {
                file.find(name);
                throw new AssertionError("found " + name + " after a sum of " + sum);
            } catch (UnsupportedModelException expected) {
                // As it must be.
            }
        }
        file.close();
    }
}
