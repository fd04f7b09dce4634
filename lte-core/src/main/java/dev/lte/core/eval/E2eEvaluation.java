package dev.lte.core.eval;

import dev.lte.Completed;
import dev.lte.EvaluationRequest;
import dev.lte.GenerationEvent;
import dev.lte.GenerationRequest;
import dev.lte.InvalidRequestException;
import dev.lte.Progress;
import dev.lte.Sampling;
import dev.lte.SparsityReport;
import dev.lte.TextDelta;
import dev.lte.core.data.E2eSource;
import dev.lte.core.data.E2eSource.Group;
import dev.lte.core.data.SpelledCharacters;
import dev.lte.core.token.VocabularyTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * E2E NLG: one greedy text for each meaning representation, all of them in flight together, compared with all references; then
 * the likelihood of every reference after its prompt, end-of-text included, per character of the reference.
 */
final class E2eEvaluation {
    /** Sequences that are scored between two messages of progress. */
    private static final int BATCH = 256;

    private final EvaluatedModel model;
    private final EvaluationRequest request;
    private final VocabularyTokenizer tokenizer;
    private final List<Group> groups;
    private final SparsityTotal sparsity;

    /** What was generated for one prompt. */
    private record Output(int index, String text, SparsityReport sparsity) {}

    E2eEvaluation(EvaluatedModel model, EvaluationRequest request) {
        this.model = model;
        this.request = request;
        tokenizer = model.tokenizer();
        List<Group> all = new E2eSource(request.data()).groups();
        groups = request.limit() == 0 ? all : all.subList(0, Math.min(request.limit(), all.size()));
        if (groups.isEmpty()
                || groups.stream().anyMatch(group -> group.references().isEmpty())) {
            throw new InvalidRequestException(
                    "data", "meaning representations with references (columns mr and ref)", request.data());
        }
        sparsity = new SparsityTotal(model.config().layers().size());
    }

    Evaluation.Findings run() {
        List<String> outputs = generate();
        Bleu bleu = new Bleu();
        Rouge rouge = new Rouge(Stemming.NONE);
        for (int i = 0; i < groups.size(); i++) {
            List<String> references = groups.get(i).references();
            bleu.add(outputs.get(i), references);
            rouge.add(outputs.get(i), references);
        }
        Likelihood likelihood = score();
        Map<String, Double> scores = new LinkedHashMap<>();
        scores.put("bleu", bleu.score().score());
        scores.put("rougeL", rouge.score().rougeL().f1());
        scores.put("natsPerCharacter", likelihood.natsPerCharacter());
        scores.put("perplexity", likelihood.perplexity());
        return new Evaluation.Findings(scores, sparsity.report(), groups.size(), outputs);
    }

    private List<String> generate() {
        String[] outputs = new String[groups.size()];
        int[] done = new int[1];
        Flux.range(0, outputs.length)
                .flatMap(this::output, model.streams())
                .doOnNext(output -> {
                    outputs[output.index] = output.text;
                    sparsity.add(output.sparsity);
                    request.progress().accept(new Progress("generating", ++done[0], outputs.length));
                })
                .blockLast();
        return Arrays.asList(outputs);
    }

    private Mono<Output> output(int index) {
        int[] prompt = tokenizer.encode(groups.get(index).prompt(), true, false);
        // A prompt that fills the context leaves one token, and the model says what is wrong.
        int room = Math.max(1, model.context() - prompt.length);
        GenerationRequest generation = GenerationRequest.of(builder -> {
            builder.promptIds(prompt)
                    .maxTokens(Math.min(request.maxTokens(), room))
                    .sampling(Sampling.greedy());
            request.threshold().ifPresent(builder::threshold);
        });
        return model.model().generate(generation).collectList().map(events -> output(index, events));
    }

    private static Output output(int index, List<GenerationEvent> events) {
        StringBuilder text = new StringBuilder();
        SparsityReport report = null;
        for (GenerationEvent event : events) {
            switch (event) {
                case TextDelta delta -> text.append(delta.text());
                case Completed completed -> report = completed.sparsity();
            }
        }
        if (report == null) {
            throw new IllegalStateException("a generation ended without its last event");
        }
        return new Output(index, text.toString().strip(), report);
    }

    private Likelihood score() {
        List<ScoredSequence> sequences = new ArrayList<>();
        SpelledCharacters characters = new SpelledCharacters(tokenizer);
        for (Group group : groups) {
            int[] prompt = tokenizer.encode(group.prompt(), true, false);
            for (String reference : group.references()) {
                sequences.add(sequence(prompt, reference, characters));
            }
        }
        Likelihood likelihood = new Likelihood();
        try (SequenceScorer scorer = model.scorer(model.threshold(request.threshold()))) {
            for (int from = 0; from < sequences.size(); from += BATCH) {
                int to = Math.min(from + BATCH, sequences.size());
                scorer.score(sequences.subList(from, to), likelihood);
                request.progress().accept(new Progress("scoring references", to, sequences.size()));
            }
            sparsity.add(scorer.sparsity());
        }
        return likelihood;
    }

    /** Prompt, reference and end of text; a reference beyond the context is cut. */
    private ScoredSequence sequence(int[] prompt, String reference, SpelledCharacters characters) {
        int[] answer = tokenizer.encode(reference, false, false);
        List<Integer> ends = tokenizer.endOfTextIds();
        int[] ids = Arrays.copyOf(prompt, prompt.length + answer.length + (ends.isEmpty() ? 0 : 1));
        System.arraycopy(answer, 0, ids, prompt.length, answer.length);
        if (!ends.isEmpty()) {
            ids[ids.length - 1] = ends.getFirst();
        }
        if (ids.length <= model.context()) {
            return new ScoredSequence(ids, prompt.length, reference.codePointCount(0, reference.length()));
        }
        long spelled = 0;
        int[] cut = Arrays.copyOf(ids, Math.max(prompt.length + 1, model.context()));
        for (int i = prompt.length; i < cut.length; i++) {
            spelled += characters.of(cut[i]);
        }
        return new ScoredSequence(cut, prompt.length, spelled);
    }
}
