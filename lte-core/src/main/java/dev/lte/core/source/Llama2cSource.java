package dev.lte.core.source;

import dev.lte.UnsupportedModelException;
import dev.lte.backend.NormSpec;
import dev.lte.backend.RopeSpec.Pairing;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelConfig.Layer;
import dev.lte.core.arch.ModelConfig.Rope;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.arch.WeightRole;
import dev.lte.core.format.llama2c.Llama2cFile;
import dev.lte.core.format.llama2c.Llama2cHeader;
import dev.lte.core.source.RoleNeeds.Need;
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

/** A checkpoint of llama2.c, with the tokenizer that lies beside it. */
final class Llama2cSource {
    private static final double THETA = 10_000;
    private static final float EPSILON = 1e-5f;

    /** Tables of the rotation, which follow from the sizes. */
    private static final String ANGLES = "freq_cis_";

    private Llama2cSource() {}

    /** @param file the source owns it from now on */
    static ModelSource open(Llama2cFile file) {
        Llama2cHeader header = file.header();
        Path path = file.path();
        ModelConfig config = config(path, header);
        RoleNeeds needs = new RoleNeeds(Family.LLAMA, config);
        if (header.sharedClassifier()) {
            needs.with(Need.NONE, WeightRole.HEAD);
        }
        Arena arena = Arena.ofShared();
        try {
            TensorNames names = GgufNames.of(config.normPlacement(), true).ignoring(name -> name.startsWith(ANGLES));
            WeightTable weights = new WeightReader(file, names, config, needs, arena).read();
            FileModelSource.About about = new FileModelSource.About(
                    path, GgufSource.fileName(path), () -> tokenizer(path, header.vocab()), Optional::empty, Map.of());
            return new FileModelSource(file, arena, config, weights, about);
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    private static ModelConfig config(Path path, Llama2cHeader header) {
        int model = Limits.check(path, "dim", header.dim(), Limits.DIMENSION);
        int heads = Limits.check(path, "n_heads", header.heads(), Limits.DIMENSION);
        if (model % heads != 0 || model / heads % 2 != 0) {
            throw Limits.invalid(
                    path, "n_heads", "a divisor of dim " + model + " that leaves an even head size", heads + " heads");
        }
        int headSize = model / heads;
        Rope rope = RopeFrequencies.rope(path, RopeFrequencies.plain(THETA, headSize), 1, Pairing.ADJACENT);
        int layers = Limits.check(path, "n_layers", header.layers(), Limits.LAYERS);
        return Limits.consistent(
                path,
                new ModelConfig(
                        Family.LLAMA.gguf(),
                        model,
                        Limits.check(path, "hidden_dim", header.hidden(), Limits.DIMENSION),
                        heads,
                        Limits.check(path, "n_kv_heads", header.kvHeads(), Limits.DIMENSION),
                        headSize,
                        Limits.check(path, "vocab_size", header.vocab(), Limits.VOCABULARY),
                        Limits.check(path, "seq_len", header.seqLen(), Limits.CONTEXT),
                        new NormSpec(NormSpec.Kind.RMS, EPSILON, 0),
                        Family.LLAMA.placement(),
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
                        Collections.nCopies(layers, new Layer(0, 0)),
                        null));
    }

    private static VocabularyTokenizer tokenizer(Path checkpoint, int vocabulary) {
        Path parent = checkpoint.toAbsolutePath().getParent();
        Path directory = parent == null ? Path.of("") : parent;
        Path usual = directory.resolve("tokenizer.bin");
        if (Files.exists(usual)) {
            return TokenizerLoader.fromLlama2c(usual, vocabulary);
        }
        List<Path> candidates = candidates(directory, checkpoint);
        if (candidates.size() != 1) {
            String found = candidates.isEmpty() ? "no tokenizer" : "several tokenizers (" + names(candidates) + ")";
            throw new UnsupportedModelException(
                    checkpoint + " has " + found + " beside it",
                    "put its tokenizer.bin there, or give prompts as token ids");
        }
        Path only = candidates.getFirst();
        return only.toString().endsWith(".model")
                ? TokenizerLoader.fromSentencePiece(only)
                : TokenizerLoader.fromLlama2c(only, vocabulary);
    }

    private static List<Path> candidates(Path directory, Path checkpoint) {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> isCandidate(String.valueOf(file.getFileName())))
                    .filter(file -> !file.getFileName().equals(checkpoint.getFileName()))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot list " + directory, e);
        }
    }

    private static boolean isCandidate(String name) {
        return name.endsWith(".model") || name.startsWith("tok") && name.endsWith(".bin");
    }

    private static String names(List<Path> files) {
        return String.join(
                ", ",
                files.stream().map(file -> String.valueOf(file.getFileName())).toList());
    }
}
