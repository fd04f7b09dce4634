package dev.lte.core.reference;

import dev.lte.backend.TopKSpec;
import dev.lte.backend.Write;
import java.util.Comparator;
import java.util.stream.IntStream;

/** Noisy top-k softmax routers in double precision. */
final class ReferenceTopK {
    private ReferenceTopK() {}

    /** As {@link dev.lte.backend.TrainingKernels#topKScores}: scores (T, N), logits (T, N). */
    static void scores(ReferenceTensor scores, ReferenceTensor logits, TopKSpec spec, long seed) {
        for (int t = 0; t < scores.rows(); t++) {
            float[] row = logits.row(t);
            if (spec.noise() > 0) {
                for (int g = 0; g < row.length; g++) {
                    row[g] += spec.noise() * TopKSpec.normal(seed, t, g);
                }
            }
            int[] chosen = IntStream.range(0, row.length)
                    .boxed()
                    .sorted(Comparator.comparingDouble((Integer g) -> -row[g]))
                    .limit(spec.k())
                    .mapToInt(Integer::intValue)
                    .toArray();
            double[] result = new double[row.length];
            double sum = 0;
            for (int g : chosen) {
                result[g] = Math.exp((double) row[g] - row[chosen[0]]);
                sum += result[g];
            }
            for (int g : chosen) {
                result[g] *= spec.k() / sum;
            }
            scores.store(t, result, Write.SET);
        }
    }

    /** As {@link dev.lte.backend.TrainingKernels#topKScoresBackward}, all (T, N). */
    static void scoresBackward(ReferenceTensor dlogits, ReferenceTensor dscores, ReferenceTensor scores, int k) {
        for (int t = 0; t < scores.rows(); t++) {
            float[] score = scores.row(t);
            float[] dscore = dscores.row(t);
            double mean = 0;
            for (int g = 0; g < score.length; g++) {
                mean += (double) dscore[g] * score[g] / k;
            }
            double[] result = new double[score.length];
            for (int g = 0; g < score.length; g++) {
                result[g] = score[g] == 0 ? 0 : score[g] * (dscore[g] - mean);
            }
            dlogits.store(t, result, Write.SET);
        }
    }
}
