package dev.lte.core.baseline;

import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.KernelQueue;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.eval.Likelihood;
import dev.lte.core.eval.ScoredSequence;
import dev.lte.core.eval.SequenceScorer;
import dev.lte.core.layer.Transformer;
import dev.lte.core.layer.TransformerLoader;
import dev.lte.core.reference.ReferenceBackendProvider;
import dev.lte.core.source.ModelSources;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.List;

/** A real small model on the reference backend, to be observed. */
final class ObservedModel implements AutoCloseable {
    static final int CONTEXT = 128;

    final ModelSource source;
    final Backend backend = new ReferenceBackendProvider().open(new BackendOptions(0, 0));
    final KernelQueue queue = backend.openQueue();
    final Transformer transformer;

    ObservedModel(String resource) {
        this(path(resource), CONTEXT);
    }

    ObservedModel(Path file, int context) {
        source = ModelSources.open(file);
        transformer = TransformerLoader.load(source, backend, queue, context, false, progress -> {})
                .transformer();
    }

    static Path path(String resource) {
        try {
            return Path.of(
                    ObservedModel.class.getResource("/dev/lte/core/" + resource).toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    Likelihood likelihood(Transformer of, List<ScoredSequence> sequences) {
        Likelihood likelihood = new Likelihood();
        try (SequenceScorer scorer = new SequenceScorer(backend, of, CONTEXT, false, 0)) {
            scorer.score(sequences, likelihood);
        }
        return likelihood;
    }

    @Override
    public void close() {
        queue.close();
        backend.close();
        source.close();
    }
}
