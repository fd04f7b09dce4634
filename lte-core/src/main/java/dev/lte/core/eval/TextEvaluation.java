package dev.lte.core.eval;

import dev.lte.EvaluationRequest;
import dev.lte.InvalidRequestException;
import dev.lte.Progress;
import dev.lte.core.data.TextSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Perplexity of plain text, cut as {@link TextWindows} says. */
final class TextEvaluation {
    private static final int BATCH = 64;

    private final EvaluatedModel model;
    private final EvaluationRequest request;

    TextEvaluation(EvaluatedModel model, EvaluationRequest request) {
        this.model = model;
        this.request = request;
    }

    Evaluation.Findings run() {
        List<ScoredSequence> sequences = TextWindows.of(
                new TextSource(request.data(), request.separator()),
                model.tokenizer(),
                model.context(),
                request.limit() == 0 ? Integer.MAX_VALUE : request.limit());
        if (sequences.isEmpty()) {
            throw new InvalidRequestException("data", "text of at least two tokens", request.data());
        }
        Likelihood likelihood = new Likelihood();
        try (SequenceScorer scorer = model.scorer(model.threshold(request.threshold()))) {
            for (int from = 0; from < sequences.size(); from += BATCH) {
                int to = Math.min(from + BATCH, sequences.size());
                scorer.score(sequences.subList(from, to), likelihood);
                request.progress().accept(new Progress("scoring text", to, sequences.size()));
            }
            Map<String, Double> scores = new LinkedHashMap<>();
            scores.put("perplexity", likelihood.perplexity());
            scores.put("natsPerCharacter", likelihood.natsPerCharacter());
            return new Evaluation.Findings(scores, scorer.sparsity(), sequences.size(), List.of());
        }
    }
}
