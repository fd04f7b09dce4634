package dev.lte.core.calibrate;

import dev.lte.InvalidRequestException;
import java.util.PriorityQueue;

/**
 * Divides a target sparsity among parts (layers, or the linear maps of a block) by what it costs them: the greedy method of TEAL
 * (Liu et al., 2025, algorithm 1). All parts begin dense; again and again the part whose error grows least for the work that is
 * saved becomes one level sparser, until the whole is as sparse as wanted.
 */
public final class SparsityAllocation {
    private SparsityAllocation() {}

    private record Step(int part, int level, double price) implements Comparable<Step> {
        @Override
        public int compareTo(Step other) {
            int byPrice = Double.compare(price, other.price);
            return byPrice != 0 ? byPrice : Integer.compare(part, other.part);
        }
    }

    /**
     * @param errors (parts, levels), measured error of each part at each level of sparsity; level 0 is dense
     * @param levels (levels), rising from 0: the sparsity of each level
     * @param work (parts), above 0: what each part takes when dense
     * @param target wanted sparsity of the whole, weighted by work
     * @return (parts), the level of each; the sparsity of the whole is the target or the least step above
     * @throws InvalidRequestException if even the last levels together are below the target
     */
    public static int[] greedy(double[][] errors, double[] levels, double[] work, double target) {
        double total = 0;
        for (int part = 0; part < work.length; part++) {
            if (!(work[part] > 0) || errors[part].length != levels.length) {
                throw new IllegalArgumentException("part " + part + " has work " + work[part] + " and "
                        + errors[part].length + " errors for " + levels.length + " levels");
            }
            total += work[part];
        }
        double most = levels[levels.length - 1];
        if (!(target >= 0 && target <= most)) {
            throw new InvalidRequestException("target sparsity", "0 to " + most + ", the sparsest level", target);
        }
        int[] chosen = new int[work.length];
        PriorityQueue<Step> queue = new PriorityQueue<>();
        for (int part = 0; part < work.length; part++) {
            offer(queue, errors, levels, work, part, 1);
        }
        double saved = 0;
        // A hair below the target, so that sums of rounded levels count as reached.
        while (saved < target * total - 1e-12 * total && !queue.isEmpty()) {
            Step step = queue.remove();
            saved += work[step.part] * (levels[step.level] - levels[step.level - 1]);
            chosen[step.part] = step.level;
            offer(queue, errors, levels, work, step.part, step.level + 1);
        }
        return chosen;
    }

    private static void offer(
            PriorityQueue<Step> queue, double[][] errors, double[] levels, double[] work, int part, int level) {
        if (level < levels.length) {
            double gained = work[part] * (levels[level] - levels[level - 1]);
            queue.add(new Step(part, level, (errors[part][level] - errors[part][level - 1]) / gained));
        }
    }
}
