package dev.lte.core.contract;

import dev.lte.backend.Backend;
import dev.lte.backend.BackendOptions;
import dev.lte.backend.BackendProvider;
import dev.lte.backend.KernelQueue;
import java.util.ServiceLoader;
import java.util.function.Supplier;

/** The backend under test next to the reference backend, each with a queue. */
final class Rig implements AutoCloseable {
    /** Kernels with their inputs and outputs, to be run on both sides. */
    @FunctionalInterface
    interface Scenario {
        void run(Side side);
    }

    private final Supplier<Backend> opener;
    private final Backend tested;
    private final Backend reference;
    private final KernelQueue testedQueue;
    private final KernelQueue referenceQueue;

    Rig(Supplier<Backend> opener) {
        this(opener, opener.get(), openReference());
    }

    private Rig(Supplier<Backend> opener, Backend tested, Backend reference) {
        this.opener = opener;
        this.tested = tested;
        this.reference = reference;
        testedQueue = tested.openQueue();
        referenceQueue = reference.openQueue();
    }

    /** The same backends with queues for another thread. */
    Rig withOwnQueues() {
        return new Rig(opener, tested, reference);
    }

    static Backend openReference() {
        return ServiceLoader.load(BackendProvider.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(provider -> provider.name().equals("reference"))
                .findFirst()
                .orElseThrow(() -> new AssertionError("the reference backend is not registered as a service"))
                .open(BackendOptions.defaults());
    }

    /** Another backend of the kind under test; the caller closes it. */
    Backend open() {
        return opener.get();
    }

    Supplier<Backend> opener() {
        return opener;
    }

    Backend tested() {
        return tested;
    }

    KernelQueue queue() {
        return testedQueue;
    }

    /** Runs the scenario on both sides, in every layout, and compares. */
    void compare(String what, long seed, Scenario scenario) {
        for (Side.Layout layout : Side.Layout.values()) {
            compare(what, seed, layout, scenario);
        }
    }

    void compare(String what, long seed, Side.Layout layout, Scenario scenario) {
        String description = what + ", " + layout + ", seed " + seed;
        Side expected = new Side(reference, referenceQueue, layout, seed);
        Side found = new Side(tested, testedQueue, layout, seed);
        try {
            scenario.run(expected);
            try {
                scenario.run(found);
            } catch (RuntimeException e) {
                throw new AssertionError(description + ": " + e, e);
            }
            for (int i = 0; i < found.outputs().size(); i++) {
                Output output = found.outputs().get(i);
                output.checkSurroundings(testedQueue, description);
                output.compare(testedQueue, expected.outputs().get(i), referenceQueue, description);
            }
            for (int i = 0; i < found.reports().size(); i++) {
                Side.Report report = found.reports().get(i);
                Side.Report want = expected.reports().get(i);
                Output.compare(
                        description, report.name(), want.values(), report.values(), report.columns(), want.bound());
            }
        } finally {
            expected.free();
            found.free();
        }
    }

    void closeQueues() {
        referenceQueue.close();
        testedQueue.close();
    }

    @Override
    public void close() {
        closeQueues();
        reference.close();
        tested.close();
    }
}
