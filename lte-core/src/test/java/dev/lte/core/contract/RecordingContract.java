package dev.lte.core.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lte.backend.DType;
import dev.lte.backend.KernelQueue;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Recorded operations run as the same calls do, whatever their tensors hold by then. */
interface RecordingContract extends Contract {
    @Test
    default void aPassOfAllKernelsYieldsWhatTheReferenceYields() {
        for (int rows : ROWS) {
            rig().compare("a layer, T " + rows, 167, side -> {
                MiniLayer layer = new MiniLayer(side, rows, DType.F32);
                layer.token(0, 1);
                layer.pass();
                // Errors of all kernels add up; a score next to its threshold is as good as impossible with this seed.
                side.report("logits", layer.logits(), 100, Bound.of(2e-3, 2e-3));
            });
        }
    }

    @Test
    default void replaysWithOtherInputs() {
        for (int rows : new int[] {1, 4}) {
            for (DType dtype : weightTypes()) {
                if (dtype.blockSize() <= 32) {
                    replay(rows, dtype);
                }
            }
        }
    }

    private void replay(int rows, DType dtype) {
        List<float[]> direct = new ArrayList<>();
        List<float[]> recorded = new ArrayList<>();
        for (boolean record : new boolean[] {false, true}) {
            Side side = new Side(rig().tested(), rig().queue(), Side.Layout.WHOLE, 173);
            MiniLayer layer = new MiniLayer(side, rows, dtype);
            layer.token(0, 0);
            layer.pass();
            float[] before = layer.logits();
            KernelQueue.Recording recording = record ? side.queue().record(layer::pass) : layer::pass;
            assertThat(layer.logits()).as("recording runs nothing").isEqualTo(before);
            for (int token = 1; token < 20; token++) {
                layer.token(token, token);
                recording.run();
                if (token != 10) { // twice without waiting
                    (record ? recorded : direct).add(layer.logits());
                }
            }
            recording.close();
            side.free();
        }
        for (int i = 0; i < direct.size(); i++) {
            String what = dtype + ", T " + rows + ", token " + i + ", seed 173";
            Output.compare(what, "logits", direct.get(i), recorded.get(i), 100, Bound.of(1e-3, 1e-3));
        }
        assertThat(Arrays.equals(direct.get(0), direct.get(5)))
                .as("tokens differ")
                .isFalse();
    }
}
