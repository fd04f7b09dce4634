package dev.lte.core.schema;

import java.util.Arrays;

/**
 * Tokens by their bytes, as a tree in the order of a depth-first walk: the nodes below a node follow it, so that a walk is a
 * pass over arrays that jumps over what a grammar refuses. Immutable.
 */
final class TokenTrie {
    private final byte[] labels;
    private final short[] depths;
    /** Where the walk goes on if nothing below the node is wanted. */
    private final int[] behind;
    /** The first token of a node, or -1; others with the same bytes by {@link #twins}. */
    private final int[] tokens;

    private final int[] twins;
    private final int deepest;

    /** @param ids of tokens that have bytes, at most 32767 each */
    TokenTrie(int[] ids, byte[][] bytes) {
        Integer[] order = new Integer[ids.length];
        Arrays.setAll(order, i -> ids[i]);
        Arrays.sort(order, (a, b) -> Arrays.compareUnsigned(bytes[a], bytes[b]));
        int nodes = 0;
        byte[] last = {};
        for (Integer id : order) {
            nodes += bytes[id].length - common(last, bytes[id]);
            last = bytes[id];
        }
        labels = new byte[nodes];
        depths = new short[nodes];
        behind = new int[nodes];
        tokens = new int[nodes];
        twins = new int[bytes.length];
        Arrays.fill(twins, -1);
        deepest = fill(order, bytes);
    }

    private int fill(Integer[] order, byte[][] bytes) {
        int deep = 0;
        for (Integer id : order) {
            deep = Math.max(deep, bytes[id].length);
        }
        int[] path = new int[deep];
        byte[] last = {};
        int node = 0;
        for (Integer id : order) {
            byte[] text = bytes[id];
            int shared = common(last, text);
            for (int depth = last.length - 1; depth >= shared; depth--) {
                behind[path[depth]] = node;
            }
            for (int depth = shared; depth < text.length; depth++) {
                labels[node] = text[depth];
                depths[node] = (short) depth;
                tokens[node] = -1;
                path[depth] = node++;
            }
            int end = path[text.length - 1];
            twins[id] = tokens[end];
            tokens[end] = id;
            last = text;
        }
        for (int depth = last.length - 1; depth >= 0; depth--) {
            behind[path[depth]] = node;
        }
        return deep;
    }

    private static int common(byte[] a, byte[] b) {
        int mismatch = Arrays.mismatch(a, b);
        return mismatch < 0 ? a.length : mismatch;
    }

    int nodes() {
        return labels.length;
    }

    /** Adds the tokens that may follow a configuration to a mask. */
    void allow(PushdownAutomaton automaton, Configuration from, long[] mask) {
        Configuration[] path = new Configuration[deepest + 1];
        path[0] = from;
        int node = 0;
        while (node < labels.length) {
            int depth = depths[node];
            Configuration to = automaton.step(path[depth], labels[node] & 0xFF);
            if (to == Configuration.DEAD) {
                node = behind[node];
                continue;
            }
            path[depth + 1] = to;
            if (to.live) {
                for (int id = tokens[node]; id >= 0; id = twins[id]) {
                    mask[id >> 6] |= 1L << id;
                }
            }
            node++;
        }
    }
}
