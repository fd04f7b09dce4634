package dev.lte.core.layer;

import dev.lte.backend.Backend;
import dev.lte.backend.DType;
import dev.lte.backend.KernelQueue;
import dev.lte.backend.Tensor;
import dev.lte.core.arch.ModelConfig;
import dev.lte.core.arch.ModelSource;
import dev.lte.core.cache.KeyValueCache;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Runs a sequence block by block and keeps what enters each, as Hugging Face's {@code output_hidden_states} does. */
public final class HiddenStates {
    private HiddenStates() {}

    /** What enters each block, then what leaves the last one (after the final norm where there is one); (T, D) each. */
    public static List<float[]> of(ModelSource source, Backend backend, int[] ids) {
        ModelConfig config = source.config();
        int rows = ids.length;
        List<float[]> states = new ArrayList<>();
        try (KernelQueue queue = backend.openQueue()) {
            Transformer transformer = TransformerLoader.load(source, backend, queue, rows, false, progress -> {})
                    .transformer();
            int pages = KeyValueCache.pagesFor(rows);
            KeyValueCache cache = config.causal() ? new KeyValueCache(backend, config, DType.F32, pages) : null;
            Workspace workspace = new Workspace(
                    backend, config, 1, new Workspace.Sizes(rows, 1, 1, pages, KeyValueCache.PAGE_SIZE, false));
            Pass pass = workspace.pass(rows);
            int[] positions = new int[rows];
            Arrays.setAll(positions, i -> i);
            int[] pageNumbers = new int[pages];
            Arrays.setAll(pageNumbers, i -> i);
            int[] positionIds = new int[rows];
            Arrays.setAll(positionIds, i -> i + config.positionOffset());
            queue.write(pass.ids(), ids);
            queue.write(pass.positions(), positions);
            queue.write(pass.positionIds(), positionIds);
            queue.write(pass.batch().sequences(), new int[rows]);
            queue.write(pass.batch().pageTable(), pageNumbers);
            queue.write(pass.starts(), new int[] {0, rows});
            transformer.embedding().forward(queue, pass);
            for (Block block : transformer.blocks()) {
                states.add(read(queue, pass.x()));
                block.forward(queue, pass, cache);
            }
            Head head = transformer.head();
            if (head != null && head.norm() != null) {
                head.norm().forward(queue, pass.x(), pass.x());
            }
            states.add(read(queue, pass.x()));
        }
        return states;
    }

    private static float[] read(KernelQueue queue, Tensor tensor) {
        float[] values = new float[tensor.rows() * tensor.columns()];
        queue.read(tensor, values);
        return values;
    }
}
