package dev.lte.cpu;

import dev.lte.backend.RoutingLossSpec;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Losses over weighted rows with their gradients. Rows run in parallel; their losses are added up in order, in double. */
final class LossKernel {
    private static final int ITEM_ROWS = 4;

    private final WorkerPool pool;
    private final RowCursor[] logitRows;
    private final RowCursor[] teacherRows;
    private final RowCursor[] gradientRows;
    private final Scratch students;
    private final Scratch teachers;
    private final WorkerPool.Task entropies = this::crossEntropy;
    private final WorkerPool.Task divergences = this::distillation;
    private double[] rowLosses = {};

    private @Nullable CpuTensor dlogits;
    private @Nullable CpuTensor logits;
    private @Nullable CpuTensor targets;
    private @Nullable CpuTensor teacher;
    private @Nullable CpuTensor rowWeights;
    private float temperature;
    private boolean add;

    LossKernel(WorkerPool pool) {
        this.pool = pool;
        logitRows = RowCursor.forAll(pool.threads());
        teacherRows = RowCursor.forAll(pool.threads());
        gradientRows = RowCursor.forAll(pool.threads());
        students = new Scratch(pool.threads());
        teachers = new Scratch(pool.threads());
    }

    void crossEntropy(
            CpuTensor loss, @Nullable CpuTensor dlogits, CpuTensor logits, CpuTensor targets, CpuTensor rowWeights) {
        this.dlogits = dlogits;
        this.logits = logits;
        this.targets = targets;
        this.rowWeights = rowWeights;
        add = false;
        run(entropies, loss, logits.rows());
    }

    void distillation(
            CpuTensor loss,
            CpuTensor dlogits,
            CpuTensor logits,
            CpuTensor teacher,
            CpuTensor rowWeights,
            float temperature,
            boolean add) {
        this.dlogits = dlogits;
        this.logits = logits;
        this.teacher = teacher;
        this.rowWeights = rowWeights;
        this.temperature = temperature;
        this.add = add;
        run(divergences, loss, logits.rows());
    }

    private void run(WorkerPool.Task task, CpuTensor loss, int rows) {
        if (rowLosses.length < rows) {
            rowLosses = new double[rows];
        }
        Arrays.fill(rowLosses, 0, rows, 0);
        pool.run(task, (rows + ITEM_ROWS - 1) / ITEM_ROWS);
        double total = 0;
        for (int t = 0; t < rows; t++) {
            total += rowLosses[t];
        }
        loss.floats()[loss.rowStart(0)] += (float) total;
        dlogits = null;
        logits = null;
        targets = null;
        teacher = null;
        rowWeights = null;
    }

    private void crossEntropy(int item, int worker) {
        CpuTensor from = logits;
        CpuTensor ids = targets;
        CpuTensor weights = rowWeights;
        if (from == null || ids == null || weights == null) {
            return;
        }
        int count = from.columns();
        for (int t = item * ITEM_ROWS; t < Math.min(from.rows(), (item + 1) * ITEM_ROWS); t++) {
            int target = ids.ints()[ids.rowStart(t)];
            float weight = weights.floats()[weights.rowStart(t)];
            boolean counts = weight != 0 && target >= 0 && target < count;
            if (!counts) {
                clear(worker, t);
                continue;
            }
            RowCursor in = logitRows[worker].read(from, t);
            float targetLogit = in.values()[in.start() + target];
            float[] p = students.floats(worker, count);
            System.arraycopy(in.values(), in.start(), p, 0, count);
            float max = TrainingSums.max(p, 0, count);
            double sum = TrainingSums.exponentials(p, 0, count, max);
            rowLosses[t] = weight * (max - (double) targetLogit + Math.log(sum));
            CpuTensor gradient = dlogits;
            if (gradient != null) {
                RowCursor to = gradientRows[worker].overwrite(gradient, t);
                scale(p, (float) (weight / sum), to.values(), to.start(), count);
                // The target's own share is taken from 1 - p, which has more digits than p where p is almost 1.
                double others = (sum - p[target]) / sum;
                to.values()[to.start() + target] = (float) (-weight * others);
                to.store(gradient, t);
            }
        }
    }

    private void clear(int worker, int row) {
        CpuTensor gradient = dlogits;
        if (gradient != null && !add) {
            RowCursor to = gradientRows[worker].overwrite(gradient, row);
            Arrays.fill(to.values(), to.start(), to.start() + gradient.columns(), 0f);
            to.store(gradient, row);
        }
    }

    private static void scale(float[] x, float factor, float[] to, int toStart, int count) {
        for (int i = 0; i < count; i++) {
            to[toStart + i] = factor * x[i];
        }
    }

    private void distillation(int item, int worker) {
        CpuTensor from = logits;
        CpuTensor wanted = teacher;
        CpuTensor weights = rowWeights;
        CpuTensor gradient = dlogits;
        if (from == null || wanted == null || weights == null || gradient == null) {
            return;
        }
        int count = from.columns();
        for (int t = item * ITEM_ROWS; t < Math.min(from.rows(), (item + 1) * ITEM_ROWS); t++) {
            float weight = weights.floats()[weights.rowStart(t)];
            if (weight == 0) {
                clear(worker, t);
                continue;
            }
            RowCursor student = logitRows[worker].read(from, t);
            RowCursor master = teacherRows[worker].read(wanted, t);
            float[] s = students.floats(worker, count);
            float[] p = teachers.floats(worker, count);
            scale(student, 1 / temperature, s, count);
            scale(master, 1 / temperature, p, count);
            float sMax = TrainingSums.max(s, 0, count);
            float pMax = TrainingSums.max(p, 0, count);
            // KL = sum of p * (teacher - student) + log sum exp(student) - log sum exp(teacher), all divided by
            // temperature.
            double difference = 0;
            double sSum = TrainingSums.exponentials(s, 0, count, sMax);
            double pSum = TrainingSums.exponentials(p, 0, count, pMax);
            for (int v = 0; v < count; v++) {
                double gap = (double) master.values()[master.start() + v] - student.values()[student.start() + v];
                difference += p[v] * gap;
            }
            double divergence = difference / pSum / temperature + sMax + Math.log(sSum) - pMax - Math.log(pSum);
            rowLosses[t] = weight * (double) temperature * temperature * divergence;
            RowCursor to = add ? gradientRows[worker].read(gradient, t) : gradientRows[worker].overwrite(gradient, t);
            float sFactor = (float) (weight * temperature / sSum);
            float pFactor = (float) (weight * temperature / pSum);
            subtract(s, sFactor, p, pFactor, to.values(), to.start(), count);
            to.store(gradient, t);
        }
    }

    private static void scale(RowCursor from, float factor, float[] to, int count) {
        float[] x = from.values();
        int start = from.start();
        for (int i = 0; i < count; i++) {
            to[i] = factor * x[start + i];
        }
    }

    private void subtract(float[] s, float sFactor, float[] p, float pFactor, float[] to, int toStart, int count) {
        if (add) {
            for (int i = 0; i < count; i++) {
                to[toStart + i] += sFactor * s[i] - pFactor * p[i];
            }
        } else {
            for (int i = 0; i < count; i++) {
                to[toStart + i] = sFactor * s[i] - pFactor * p[i];
            }
        }
    }

    /** Few numbers: N scores a row. */
    void routing(
            CpuTensor losses,
            @Nullable CpuTensor dscores,
            CpuTensor scores,
            CpuTensor rowWeights,
            @Nullable CpuTensor factors,
            RoutingLossSpec spec) {
        boolean squared = spec.efficiency() == RoutingLossSpec.Efficiency.SQUARED;
        float eta = factors == null ? 0 : factors.floats()[factors.rowStart(0)];
        float lambda = factors == null ? 0 : factors.floats()[factors.rowStart(0) + 1];
        double efficiency = 0;
        double separability = 0;
        double active = 0;
        for (int t = 0; t < scores.rows(); t++) {
            float share = rowWeights.floats()[rowWeights.rowStart(t)] / scores.columns();
            if (share == 0) {
                continue;
            }
            float[] row = scores.floats();
            int at = scores.rowStart(t);
            double rowEfficiency = 0;
            double rowSeparability = 0;
            int rowActive = 0;
            for (int g = 0; g < scores.columns(); g++) {
                float score = row[at + g];
                float distance = score - spec.threshold();
                float separation = 1 / (distance * distance + spec.guard());
                rowEfficiency += squared ? score * score : score;
                rowSeparability += separation;
                rowActive += score > spec.threshold() ? 1 : 0;
                if (dscores != null) {
                    dscores.floats()[dscores.rowStart(t) + g] +=
                            share * (eta * (squared ? 2 * score : 1) - lambda * 2 * distance * separation * separation);
                }
            }
            efficiency += share * rowEfficiency;
            separability += share * rowSeparability;
            active += share * rowActive;
        }
        float[] to = losses.floats();
        int at = losses.rowStart(0);
        to[at] += (float) efficiency;
        to[at + 1] += (float) separability;
        to[at + 2] += (float) active;
    }
}
