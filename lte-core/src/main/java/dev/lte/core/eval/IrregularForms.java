package dev.lte.core.eval;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Base forms of irregular English words: WordNet's exception lists, see the header of the resource. */
final class IrregularForms {
    private static final String RESOURCE = "irregular-forms.txt";

    private IrregularForms() {}

    /** Read when the first word is asked for. */
    private static final class Holder {
        private static final Map<String, String> BASES = read();
    }

    static @Nullable String baseOf(String word) {
        return Holder.BASES.get(word);
    }

    private static Map<String, String> read() {
        Map<String, String> bases = new HashMap<>();
        try (InputStream in = Objects.requireNonNull(IrregularForms.class.getResourceAsStream(RESOURCE), RESOURCE);
                BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                int space = line.indexOf(' ');
                if (space > 0 && !line.startsWith("#")) {
                    bases.put(line.substring(0, space), line.substring(space + 1));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return Map.copyOf(bases);
    }
}
