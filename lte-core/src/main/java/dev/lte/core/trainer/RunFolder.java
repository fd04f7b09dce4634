package dev.lte.core.trainer;

import dev.lte.InvalidRequestException;
import dev.lte.LteException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The folder of a run, which one run at a time has locked: checkpoints, the initial model, the finished one. */
final class RunFolder implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(RunFolder.class.getName());
    private static final Pattern CHECKPOINT = Pattern.compile("step-\\d{9}\\.safetensors");

    private final Path folder;
    private final Path checkpoints;
    private final FileChannel channel;

    private RunFolder(Path folder, FileChannel channel) {
        this.folder = folder;
        this.channel = channel;
        checkpoints = folder.resolve("checkpoints");
    }

    /**
     * Makes the folder if it is not there, and locks it.
     *
     * @throws InvalidRequestException if another run has it
     */
    static RunFolder open(Path folder) {
        try {
            Files.createDirectories(folder.resolve("checkpoints"));
            FileChannel channel =
                    FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            FileLock lock;
            try {
                lock = channel.tryLock();
            } catch (OverlappingFileLockException e) {
                lock = null;
            }
            if (lock == null) {
                channel.close();
                throw new InvalidRequestException("folder", "one that no other run is using", folder);
            }
            RunFolder opened = new RunFolder(folder, channel);
            opened.removeUnfinished();
            return opened;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot use the folder " + folder, e);
        }
    }

    /** What a run that was killed had begun to write. */
    private void removeUnfinished() throws IOException {
        for (Path place : List.of(folder, checkpoints)) {
            for (Path file : list(place)) {
                if (file.toString().endsWith(".part")) {
                    Files.delete(file);
                }
            }
        }
    }

    private static List<Path> list(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.toList();
        }
    }

    /** The model that a run from scratch begins with. */
    Path initialModel() {
        return folder.resolve("initial.gguf");
    }

    Path model() {
        return folder.resolve("model.gguf");
    }

    Path hubDirectory() {
        return folder.resolve("model");
    }

    Path checkpoint(long step) {
        return checkpoints.resolve(String.format(Locale.ROOT, "step-%09d.safetensors", step));
    }

    /** The best state of the stage. */
    Path best() {
        return checkpoints.resolve("best.safetensors");
    }

    /** The dense model as it was before it got its routers, where one learns from it. */
    Path teacher() {
        return checkpoints.resolve("teacher.safetensors");
    }

    /** Newest first. */
    private List<Path> checkpoints() {
        try {
            List<Path> found = new ArrayList<>(list(checkpoints));
            found.removeIf(file ->
                    !CHECKPOINT.matcher(String.valueOf(file.getFileName())).matches());
            found.sort(Comparator.reverseOrder());
            return found;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + checkpoints, e);
        }
    }

    /**
     * The newest checkpoint that is sound, or null if the run has none; those that are not are left where they are.
     *
     * @throws LteException if there are checkpoints, and none is sound
     */
    @Nullable
    CheckpointFile latest() {
        LteException failure = null;
        for (Path file : checkpoints()) {
            try {
                CheckpointFile found = CheckpointFile.open(file);
                if (failure != null) {
                    LOG.log(Level.WARNING, "{0}; the run goes on from {1}", failure.getMessage(), file);
                }
                return found;
            } catch (LteException e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
        return null;
    }

    /** Deletes all but the newest ones. */
    void prune(int keep) {
        List<Path> found = checkpoints();
        for (Path old : found.subList(Math.min(keep, found.size()), found.size())) {
            try {
                Files.delete(old);
            } catch (IOException e) {
                throw new UncheckedIOException("cannot delete " + old, e);
            }
        }
    }

    /** Unlocks the folder. */
    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot unlock " + folder, e);
        }
    }
}
