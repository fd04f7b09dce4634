package dev.lte.core.token;

/**
 * Ids for a character that the vocabulary does not have: those of its UTF-8 bytes if all are tokens, else the unknown
 * token, else nothing.
 */
final class Fallback {
    private final int[] byteTokens;
    private final int unknown;
    private final boolean fuse;

    /**
     * @param byteTokens ids by byte, -1 where missing; empty for no byte fallback
     * @param unknown the unknown token, or -1
     * @param fuse whether a run of unknown characters is one token
     */
    Fallback(int[] byteTokens, int unknown, boolean fuse) {
        this.byteTokens = byteTokens;
        this.unknown = unknown;
        this.fuse = fuse;
    }

    /** Whether neighbouring unknown characters can depend on each other. */
    boolean joins() {
        if (!fuse) {
            return false;
        }
        if (byteTokens.length == 0) {
            return true;
        }
        for (int id : byteTokens) {
            if (id < 0) {
                return true;
            }
        }
        return false;
    }

    /**
     * @param afterUnknown whether the id before comes from this method's unknown token
     * @return whether the unknown token stands for the character
     */
    boolean encode(String text, int from, int to, boolean afterUnknown, Ids out) {
        if (byteTokens.length > 0) {
            byte[] bytes = PieceStyle.utf8(text.substring(from, to));
            boolean complete = true;
            for (byte value : bytes) {
                complete &= byteTokens[value & 0xFF] >= 0;
            }
            if (complete) {
                for (byte value : bytes) {
                    out.add(byteTokens[value & 0xFF]);
                }
                return false;
            }
        }
        if (unknown < 0) {
            return false;
        }
        if (!(fuse && afterUnknown)) {
            out.add(unknown);
        }
        return true;
    }
}
