package dev.lte.core.contract;

import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;

/**
 * Everything that a backend promises, to be extended by a test of each backend. The parts are interfaces, one per family of
 * kernels, so that a failure can be looked up in one small file; a seed stands in each message.
 *
 * <p>One backend serves all tests of the class; tests that close one open another.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class BackendContractTest
        implements LinearContract,
                NormContract,
                RopeContract,
                RowContract,
                AttentionContract,
                RoutingContract,
                FfnContract,
                TensorContract,
                ShapeContract,
                StrayIntegerContract,
                RecordingContract,
                LifeCycleContract,
                TrainingContract,
                TrainingLinearContract,
                TrainingNormContract,
                TrainingAttentionContract,
                TrainingFfnContract,
                TrainingLossContract,
                OptimizerContract,
                TrainingShapeContract,
                TrainingAllocationContract,
                AllocationContract {
    private Rig rig;

    /** Opens a backend of the kind under test; called several times. */
    protected abstract Backend open();

    @Override
    public abstract Set<DType> weightTypes();

    @Override
    public abstract Set<DType> cacheTypes();

    /** None: the backend serves inference only. */
    @Override
    public Set<DType> trainingTypes() {
        return Set.of();
    }

    /**
     * Quantised weights may meet activations in 8 bits, all others meet F32. A backend that rounds otherwise says so here, with
     * its reason.
     */
    @Override
    public ActivationRounding rounding(DType weight, int rows) {
        return weight.isQuantized() ? ActivationRounding.INT8_BLOCKS : ActivationRounding.F32;
    }

    /** What F32 sums lose. A backend that rounds queries or weights of values to fewer bits says so here. */
    @Override
    public double attentionError(DType cache) {
        return Bound.SUM;
    }

    /** As {@link #attentionError}. */
    @Override
    public double trainingAttentionError(DType dtype) {
        return attentionError(dtype);
    }

    @BeforeAll
    final void openRig() {
        rig = new Rig(this::open);
    }

    @AfterAll
    final void closeRig() {
        rig.close();
    }

    @Override
    public final Rig rig() {
        return rig;
    }
}
