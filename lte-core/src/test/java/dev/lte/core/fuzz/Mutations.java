package dev.lte.core.fuzz;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;

/** Damaged copies of a binary file: the same for the same number. */
public final class Mutations {
    private static final long[] NUMBERS = {
        0,
        1,
        2,
        3,
        4,
        5,
        7,
        8,
        9,
        11,
        31,
        32,
        33,
        127,
        128,
        255,
        256,
        1 << 16,
        1 << 20,
        1 << 30,
        Integer.MAX_VALUE,
        Integer.MIN_VALUE,
        1L << 32,
        1L << 40,
        1L << 60,
        1L << 61,
        1L << 62,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        -1,
        -2,
        -32,
        0x5555555555555555L
    };

    private final byte[] original;
    private final int head;
    private final long seed;

    /** @param head how many of the first bytes to damage in most cases */
    public Mutations(byte[] original, int head, long seed) {
        this.original = original;
        this.head = head;
        this.seed = seed;
    }

    public byte[] get(int number) {
        Random random = new Random(seed * 1_000_003 + number);
        byte[] bytes = original.clone();
        for (int edits = 1 + random.nextInt(4); edits > 0 && bytes.length > 0; edits--) {
            bytes = mutate(bytes, random);
        }
        return bytes;
    }

    private byte[] mutate(byte[] bytes, Random random) {
        int at = random.nextInt(random.nextInt(5) > 0 ? Math.min(head, bytes.length) : bytes.length);
        int length = Math.min(1 + random.nextInt(40), bytes.length - at);
        switch (random.nextInt(9)) {
            case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
            case 1 -> bytes[at] = (byte) random.nextInt(256);
            case 2, 3 -> overwrite(bytes, at, number(bytes, random), Integer.BYTES);
            case 4, 5 -> overwrite(bytes, at, number(bytes, random), Long.BYTES);
            case 6 -> System.arraycopy(bytes, random.nextInt(bytes.length - length + 1), bytes, at, length);
            case 7 -> {
                byte[] moved =
                        Arrays.copyOf(bytes, random.nextBoolean() ? bytes.length - length : bytes.length + length);
                if (moved.length > bytes.length) {
                    System.arraycopy(bytes, at, moved, at + length, bytes.length - at);
                } else {
                    System.arraycopy(bytes, at + length, moved, at, bytes.length - at - length);
                }
                return moved;
            }
            default -> {
                if (random.nextInt(4) == 0) {
                    return Arrays.copyOf(bytes, random.nextInt(4) == 0 ? random.nextInt(64) % bytes.length : at);
                }
            }
        }
        return bytes;
    }

    private static long number(byte[] bytes, Random random) {
        return switch (random.nextInt(4)) {
            case 0 -> random.nextInt(bytes.length + 1);
            case 1 -> bytes.length - random.nextInt(64);
            default -> NUMBERS[random.nextInt(NUMBERS.length)];
        };
    }

    private static void overwrite(byte[] bytes, int at, long number, int size) {
        byte[] digits = ByteBuffer.allocate(Long.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(number)
                .array();
        System.arraycopy(digits, 0, bytes, at, Math.min(size, bytes.length - at));
    }
}
