package dev.lte.core.trainer;

import dev.lte.core.data.DataPosition;
import dev.lte.core.train.SparsityController;
import dev.lte.train.TrainingEvent;
import org.jspecify.annotations.Nullable;

/**
 * Where a run stands between two steps, beside the parameters and their optimiser state. Changed by the run's thread alone.
 */
final class RunState {
    /** Index of the stage; the number of stages once all are complete. */
    int stage;

    /** Steps taken in the stage. */
    long stageStep;

    /** Steps taken in all stages. */
    long step;

    /** Where the next step's batch begins. */
    DataPosition position = DataPosition.START;

    /** Of a stage that steers eta, else null. */
    SparsityController.@Nullable State controller;

    /** Eta at the last step. */
    double eta;

    /** Above which experts run, once it was fitted to a target; 0 before. */
    double threshold;

    /** The best evaluation of the stage, or null. */
    TrainingEvent.@Nullable Evaluated best;

    /** The evaluation of the state that the parameters are in at the end of a stage, or null. */
    TrainingEvent.@Nullable Evaluated current;

    /** Sparsity of the last steps, smoothed. */
    double sparsity;

    /** The step whose state the parameters are in, at the end of a stage. */
    long modelStep;

    void beginStage(int index) {
        stage = index;
        stageStep = 0;
        position = DataPosition.START;
        controller = null;
        best = null;
    }
}
