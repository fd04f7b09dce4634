package dev.lte.core.token;

import dev.lte.ModelFormatException;
import java.nio.file.Path;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/** Reads a list of merges into ids. */
final class MergeRanks {
    private MergeRanks() {}

    /**
     * Reads merges. One that makes a token which text must not become, such as a control token, is checked but never
     * applies.
     *
     * @param pieces by id
     * @param isText whether text can become the token of an id
     * @param merges by rank, each two tokens with a space between
     * @return (left id, right id) to {@code rank << 32 | merged id}
     * @throws ModelFormatException if a merge is not of two tokens that join to a third
     */
    static PairTable of(String[] pieces, IntPredicate isText, String[] merges, @Nullable Path file) {
        PieceIndex index = new PieceIndex(pieces, id -> true);
        PairTable table = new PairTable();
        for (int rank = 0; rank < merges.length; rank++) {
            String merge = merges[rank];
            int space = merge.indexOf(' ', 1);
            int left = space < 0 ? PieceIndex.NOT_FOUND : index.find(merge, 0, space);
            int right = space < 0 ? PieceIndex.NOT_FOUND : index.find(merge, space + 1, merge.length());
            int merged = left < 0 || right < 0 ? PieceIndex.NOT_FOUND : index.find(pieces[left] + pieces[right]);
            if (merged < 0) {
                throw new ModelFormatException(
                        file,
                        "merge " + rank,
                        ModelFormatException.NO_OFFSET,
                        "two tokens with a space between whose join is a token",
                        '"' + shortened(merge) + '"');
            }
            if (isText.test(merged)) {
                table.put(left, right, (long) rank << 32 | merged);
            }
        }
        return table;
    }

    private static String shortened(String text) {
        return text.length() <= 100 ? text : text.substring(0, 100) + "...";
    }
}
