package dev.lte.core.source;

import dev.lte.UnsupportedModelException;
import dev.lte.backend.NormSpec;
import dev.lte.backend.RopeSpec;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelConfig.Layer;
import dev.lte.core.arch.ModelConfig.NormPlacement;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.format.llama2c.Llama2cFile;
import dev.lte.core.format.llama2c.Llama2cHeader;
import dev.lte.core.token.TokenizerLoader;
import dev.lte.core.token.VocabularyTokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** A llama2.c checkpoint, with the values that run.c has built in. Its tokenizer is a file beside it. */
final class Llama2cSource {
    private static final float EPSILON = 1e-5f;
    private static final double THETA = 10_000;

    private Llama2cSource() {}

    /** @param file the source owns it from now on */
    static ModelSource open(Llama2cFile file) {
        Llama2cHeader header = file.header();
        ModelConfig config = config(file.path(), header);
        RoleNeeds needs = new RoleNeeds(Family.LLAMA, config)
                .with(header.sharedClassifier() ? RoleNeeds.Need.NONE : RoleNeeds.Need.REQUIRED, WeightRole.HEAD);
        Arena arena = Arena.ofShared();
        try {
            WeightTable table = new WeightReader(
                            file, GgufNames.of(NormPlacement.BEFORE, true), config, needs, arena)
                    .read();
            return new FileModelSource(
                    file,
                    arena,
                    config,
                    table,
                    new FileModelSource.About(
                            GgufSource.fileName(file.path()),
                            () -> tokenizer(file.path(), header.vocab()),
                            Optional::empty,
                            Map.of()));
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    private static ModelConfig config(Path file, Llama2cHeader header) {
        int headSize = header.dim() / header.heads();
        ModelConfig.Rope rope = RopeFrequencies.rope(
                file, RopeFrequencies.plain(THETA, headSize), 1, RopeSpec.Pairing.ADJACENT);
        return Limits.consistent(
                file,
                new ModelConfig(
                        Family.LLAMA.gguf(),
                        header.dim(),
                        header.hidden(),
                        header.heads(),
                        header.kvHeads(),
                        headSize,
                        header.vocab(),
                        header.seqLen(),
                        new NormSpec(NormSpec.Kind.RMS, EPSILON, 0),
                        NormPlacement.BEFORE,
                        Family.LLAMA.activation(),
                        true,
                        1,
                        0,
                        List.of(rope),
                        (float) (1 / Math.sqrt(headSize)),
                        0,
                        0,
                        true,
                        0,
                        List.of(),
                        Collections.nCopies(header.layers(), new Layer(0, 0)),
                        null));
    }

    /** {@code tokenizer.bin}, or the only {@code tok*.bin} beside the checkpoint. */
    private static VocabularyTokenizer tokenizer(Path checkpoint, int vocabulary) {
        Path directory = checkpoint.toAbsolutePath().getParent();
        Path usual = directory.resolve("tokenizer.bin");
        if (Files.exists(usual)) {
            return TokenizerLoader.fromLlama2c(usual, vocabulary);
        }
        List<Path> candidates;
        try (Stream<Path> files = Files.list(directory)) {
            candidates = files.filter(file -> file.getFileName().toString().matches("tok.*\\.bin"))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + directory, e);
        }
        if (candidates.size() != 1) {
            throw new UnsupportedModelException(
                    checkpoint + ": expected tokenizer.bin, or a single tok*.bin, beside it, found "
                            + (candidates.isEmpty() ? "none" : candidates.toString()),
                    "put the tokenizer's file beside the checkpoint, under the name tokenizer.bin");
        }
        return TokenizerLoader.fromLlama2c(candidates.getFirst(), vocabulary);
    }
}
