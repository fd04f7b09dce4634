package dev.lte.core.baseline;

import dev.lte.InvalidRequestException;
import dev.lte.core.data.BatchShape;
import dev.lte.core.data.DataPosition;
import dev.lte.core.data.E2eSource;
import dev.lte.core.data.Example;
import dev.lte.core.data.ExampleReader;
import dev.lte.core.data.ExampleSource;
import dev.lte.core.data.ExampleStream;
import dev.lte.core.data.LabelledBatch;
import dev.lte.core.data.LabelledBatches;
import dev.lte.core.data.Shuffling;
import dev.lte.core.data.TextSource;
import dev.lte.core.data.TsvSource;
import dev.lte.core.eval.ScoredSequence;
import dev.lte.core.eval.TextWindows;
import dev.lte.core.token.VocabularyTokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Text on which activations are observed: sequences in random order, of which the first part serves to calibrate and the rest to
 * measure what that cost.
 *
 * @param training to calibrate with
 * @param heldOut to measure with; a tenth of all
 */
record CalibrationData(List<ScoredSequence> training, List<ScoredSequence> heldOut) {
    private static final String BUILT_IN = "calibration.txt";
    private static final int LONGEST = 512;
    private static final int READ = 1 << 16;

    CalibrationData {
        training = List.copyOf(training);
        heldOut = List.copyOf(heldOut);
    }

    /**
     * @param file plain text, or a CSV file of E2E NLG, or null for the text that is built in
     * @param context longest sequence
     * @param tokens that are used at most
     */
    static CalibrationData read(
            @Nullable Path file, VocabularyTokenizer tokenizer, int context, int tokens, long seed) {
        int length = Math.min(context, LONGEST);
        List<ScoredSequence> all = new ArrayList<>();
        if (file != null && isTable(file)) {
            addCompletions(new E2eSource(file), tokenizer, length, all);
        } else {
            ExampleSource source = file == null ? builtIn() : new TextSource(file, "<|endoftext|>");
            all.addAll(TextWindows.of(source, tokenizer, length, READ));
        }
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = all.size() - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            ScoredSequence other = all.get(j);
            all.set(j, all.get(i));
            all.set(i, other);
        }
        return divided(all, file, length, tokens);
    }

    /**
     * Texts, or pairs, put together as a model reads them that classifies; nothing in them is predicted.
     *
     * @param file TSV in the form of GLUE; must be given
     * @param context longest sequence
     * @param tokens that are used at most
     */
    static CalibrationData labelled(
            @Nullable Path file, VocabularyTokenizer tokenizer, int context, int tokens, long seed) {
        if (file == null) {
            throw new InvalidRequestException(
                    "calibration", "texts with classes like those that the model learnt from, as TSV", "none");
        }
        int length = Math.min(context, LONGEST);
        List<ScoredSequence> all = new ArrayList<>();
        Shuffling shuffling = new Shuffling(seed, READ);
        BatchShape one = new BatchShape(1, length, false);
        try (LabelledBatches texts = new LabelledBatches(
                new ExampleStream(new TsvSource(file, null), shuffling, 1), tokenizer, one, DataPosition.START)) {
            int sum = 0;
            for (LabelledBatch text = texts.next(); text != null && sum < tokens; text = texts.next()) {
                all.add(new ScoredSequence(text.ids(), text.ids().length, 0));
                sum += text.ids().length;
            }
        }
        return divided(all, file, length, tokens);
    }

    private static CalibrationData divided(List<ScoredSequence> all, @Nullable Path file, int length, int tokens) {
        int used = 0;
        int sum = 0;
        while (used < all.size() && sum < tokens) {
            sum += all.get(used++).ids().length;
        }
        if (used < 2) {
            throw new InvalidRequestException(
                    "calibration", "text of at least " + 2 * length + " tokens", file == null ? "less" : file);
        }
        int held = Math.max(1, used / 10);
        return new CalibrationData(all.subList(0, used - held), all.subList(used - held, used));
    }

    private static boolean isTable(Path file) {
        String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
        return name.endsWith(".csv") || name.endsWith(".csv.gz");
    }

    private static void addCompletions(
            E2eSource source, VocabularyTokenizer tokenizer, int length, List<ScoredSequence> into) {
        try (ExampleReader reader = source.open()) {
            for (Example example = reader.next(); example != null; example = reader.next()) {
                Example.Completion completion = (Example.Completion) example;
                int[] prompt = tokenizer.encode(completion.prompt(), true, false);
                int[] answer = tokenizer.encode(completion.completion(), false, false);
                List<Integer> ends = tokenizer.endOfTextIds();
                int[] ids = Arrays.copyOf(prompt, prompt.length + answer.length + (ends.isEmpty() ? 0 : 1));
                System.arraycopy(answer, 0, ids, prompt.length, answer.length);
                if (!ends.isEmpty()) {
                    ids[ids.length - 1] = ends.getFirst();
                }
                if (ids.length <= length) {
                    into.add(new ScoredSequence(
                            ids, prompt.length, completion.completion().length()));
                }
            }
        }
    }

    private static ExampleSource builtIn() {
        String text;
        try (InputStream in = CalibrationData.class.getResourceAsStream(BUILT_IN)) {
            if (in == null) {
                throw new IllegalStateException("the calibration text is missing from the jar");
            }
            text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the calibration text", e);
        }
        return () -> new ExampleReader() {
            private boolean read;

            @Override
            public @Nullable Example next() {
                boolean first = !read;
                read = true;
                return first ? new Example.Text(text, true, true) : null;
            }

            @Override
            public void close() {}
        };
    }
}
