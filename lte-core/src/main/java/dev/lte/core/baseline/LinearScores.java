package dev.lte.core.baseline;

/**
 * Scores predicted from the FFN's input by a linear map.
 *
 * @param weights (units, D)
 */
record LinearScores(float[] weights, int model) implements UnitScores {
    @Override
    public float[] of(FfnActivations activations, int row) {
        float[] scores = new float[weights.length / model];
        int begin = row * model;
        for (int n = 0; n < scores.length; n++) {
            float sum = 0;
            for (int d = 0; d < model; d++) {
                sum += weights[n * model + d] * activations.input()[begin + d];
            }
            scores[n] = sum;
        }
        return scores;
    }
}
