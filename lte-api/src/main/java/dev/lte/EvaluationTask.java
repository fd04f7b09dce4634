package dev.lte;

/** What a model is measured by. */
public enum EvaluationTask {
    /**
     * The E2E NLG data set: greedy generation for every meaning representation against all its references, and the likelihood
     * of the references. Scores: {@code bleu}, {@code rougeL}, {@code natsPerCharacter}, {@code perplexity}.
     */
    E2E,
    /** Likelihood of plain text. Scores: {@code perplexity}, {@code natsPerCharacter}. */
    TEXT,
    /** Classes of texts, TSV in the form of GLUE. Scores: {@code accuracy}, {@code f1}, {@code matthews}. */
    CLASSIFY
}
