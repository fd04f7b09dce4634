package dev.lte.examples.benchmarks;

import de.kherud.llama.InferenceParameters;
import de.kherud.llama.LlamaModel;
import de.kherud.llama.LlamaOutput;
import de.kherud.llama.ModelParameters;
import dev.lte.Completed;
import dev.lte.GenerationRequest;
import dev.lte.LoadOptions;
import dev.lte.Lte;
import dev.lte.Model;
import dev.lte.Sampling;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Locale;
import java.util.Random;

/**
 * One engine in a process of its own: loads a model, warms up and prints a line {@code RESULT prompt decode} for each measured
 * run. Arguments: engine (lte, lte-dense or llama.cpp), model, threads, prompt tokens, generated tokens, runs.
 */
public final class EngineRun {
    static final String RESULT = "RESULT ";

    private static final int WARM_UPS = 2;
    /** Small models are through before the compilers are. */
    private static final long WARM_UP_NANOS = 5_000_000_000L;

    private EngineRun() {}

    /** Generates once from a prompt that no cache has seen. */
    private interface Engine extends AutoCloseable {
        Speeds run(int run);

        @Override
        void close();
    }

    public static void main(String[] arguments) {
        Path model = Path.of(arguments[1]);
        int threads = Integer.parseInt(arguments[2]);
        int prompt = Integer.parseInt(arguments[3]);
        int generated = Integer.parseInt(arguments[4]);
        int runs = Integer.parseInt(arguments[5]);
        try (Engine engine = arguments[0].equals("llama.cpp")
                ? new LlamaCpp(model, threads, prompt, generated)
                : new Own(model, threads, prompt, generated, arguments[0].equals("lte-dense"))) {
            int run = 0;
            long begin = System.nanoTime();
            while (run < WARM_UPS || System.nanoTime() - begin < WARM_UP_NANOS) {
                engine.run(run++);
            }
            for (int i = 0; i < runs; i++) {
                Speeds speeds = engine.run(run++);
                // In one piece and on a line of its own, as native code logs to the same stream.
                System.out.print(
                        String.format(Locale.ROOT, "%n%s%.3f %.3f%n", RESULT, speeds.prompt(), speeds.decode()));
            }
        }
        // A thread of the llama.cpp binding would keep the process alive.
        System.exit(0);
    }

    private static final class Own implements Engine {
        private final Model model;
        private final int prompt;
        private final int generated;

        Own(Path path, int threads, int prompt, int generated, boolean dense) {
            this.prompt = prompt;
            this.generated = generated;
            model = Lte.load(
                    path,
                    LoadOptions.of(o -> o.backend("cpu")
                            .threads(threads)
                            .dense(dense)
                            .maxStreams(1)
                            .contextLength(prompt + generated)));
        }

        @Override
        public Speeds run(int run) {
            int[] ids =
                    new Random(run).ints(prompt, 300, model.tokenizer().size()).toArray();
            Completed completed = model.generate(GenerationRequest.of(r -> r.promptIds(ids)
                            .maxTokens(generated)
                            .ignoreEndOfText(true)
                            .sampling(Sampling.greedy())))
                    .ofType(Completed.class)
                    .blockLast();
            if (completed == null) {
                throw new IllegalStateException("the generation ended without a result");
            }
            return new Speeds(
                    prompt / (completed.timings().timeToFirstToken().toNanos() / 1e9),
                    completed.timings().tokensPerSecond());
        }

        @Override
        public void close() {
            model.close();
        }
    }

    /** Its binding takes text: letters whose number of tokens it counts itself. */
    private static final class LlamaCpp implements Engine {
        private final LlamaModel model;
        private final int prompt;
        private final int generated;

        LlamaCpp(Path path, int threads, int prompt, int generated) {
            this.prompt = prompt;
            this.generated = generated;
            model = new LlamaModel(new ModelParameters()
                    .setModel(path.toString())
                    .setThreads(threads)
                    .setThreadsBatch(threads)
                    .setGpuLayers(0)
                    .setCtxSize(prompt + generated + 64));
        }

        @Override
        public Speeds run(int run) {
            Random random = new Random(run);
            StringBuilder text = new StringBuilder();
            int tokens = 0;
            while (tokens < prompt) {
                for (int i = 0; i <= (prompt - tokens) / 4; i++) {
                    text.append((char) ('A' + random.nextInt(26)))
                            .append(random.nextInt(10))
                            .append(' ');
                }
                tokens = model.encode(text.toString()).length;
            }
            InferenceParameters parameters = new InferenceParameters(text.toString())
                    .setNPredict(generated)
                    .setTemperature(0)
                    .setIgnoreEos(true)
                    .setCachePrompt(false);
            long start = System.nanoTime();
            long first = 0;
            Iterator<LlamaOutput> outputs = model.generate(parameters).iterator();
            while (outputs.hasNext()) {
                outputs.next();
                first = first == 0 ? System.nanoTime() : first;
            }
            // Bytes that are no text yet come with a later token, so outputs are no count of tokens.
            long last = System.nanoTime();
            return new Speeds(tokens / ((first - start) / 1e9), (generated - 1) / ((last - first) / 1e9));
        }

        @Override
        public void close() {
            model.close();
        }
    }
}
