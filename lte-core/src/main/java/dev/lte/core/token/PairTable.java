package dev.lte.core.token;

import java.util.Arrays;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A map from a pair of ints to a long, by open addressing; the first value of a key stays. Once filled it is read by
 * many threads. The hash is seeded at random so that no file can make every key collide.
 */
final class PairTable {
    /** What {@link #get} returns for a pair without a value; never stored. */
    static final long NONE = -1;

    private static final long EMPTY = -1;

    private long[] keys;
    private long[] values;
    private int shift;
    private int size;
    private final long seed = ThreadLocalRandom.current().nextLong();

    PairTable() {
        allocate(8);
    }

    private void allocate(int bits) {
        keys = new long[1 << bits];
        values = new long[1 << bits];
        shift = 64 - bits;
        Arrays.fill(keys, EMPTY);
    }

    /** @param left 0 or more */
    long get(int left, int right) {
        long key = key(left, right);
        int slot = slot(key);
        return keys[slot] == key ? values[slot] : NONE;
    }

    /** @return whether the pair was new */
    boolean put(int left, int right, long value) {
        long key = key(left, right);
        int slot = slot(key);
        if (keys[slot] == key) {
            return false;
        }
        keys[slot] = key;
        values[slot] = value;
        if (++size > keys.length / 2) {
            grow();
        }
        return true;
    }

    private void grow() {
        long[] oldKeys = keys;
        long[] oldValues = values;
        allocate(65 - shift);
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldKeys[i] != EMPTY) {
                int slot = slot(oldKeys[i]);
                keys[slot] = oldKeys[i];
                values[slot] = oldValues[i];
            }
        }
    }

    private static long key(int left, int right) {
        return (long) left << 32 | right & 0xFFFFFFFFL;
    }

    private int slot(long key) {
        long hash = (key ^ seed) * 0x9E3779B97F4A7C15L;
        hash = (hash ^ hash >>> 32) * 0xD6E8FEB86659FD93L;
        int slot = (int) (hash >>> shift);
        while (keys[slot] != EMPTY && keys[slot] != key) {
            slot = (slot + 1) & (keys.length - 1);
        }
        return slot;
    }
}
