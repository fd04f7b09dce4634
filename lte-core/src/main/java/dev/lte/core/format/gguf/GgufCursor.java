package dev.lte.core.format.gguf;

import dev.lte.ModelFormatException;
import dev.lte.core.format.HeapBudget;
import dev.lte.core.format.MappedFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/** Reads an untrusted GGUF file from its beginning on; every read is checked against its end first. Not thread-safe. */
final class GgufCursor {
    private static final ValueLayout.OfShort INT16 =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong INT64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT32 =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble FLOAT64 =
            ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Heap of a string without its characters. */
    private static final int STRING_BYTES = 48;

    /** What decoding a long string takes for a byte, the result included, at most. */
    private static final int LONG_EXPANSION = 5;

    private static final int SHORT = 4096;

    private final MappedFile file;
    private final HeapBudget budget;
    private final MemorySegment bytes;
    private final ByteBuffer shortBytes = ByteBuffer.allocate(SHORT);
    private final CharBuffer shortText = CharBuffer.allocate(SHORT);
    private final CharsetDecoder decoder = StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE)
            .onUnmappableCharacter(CodingErrorAction.REPLACE);
    private long position;

    GgufCursor(MappedFile file, HeapBudget budget) {
        this.file = file;
        this.budget = budget;
        bytes = file.bytes();
    }

    long position() {
        return position;
    }

    long remaining() {
        return bytes.byteSize() - position;
    }

    private long take(long count, String item) {
        if (count < 0 || count > remaining()) {
            throw invalid(item, Long.toUnsignedString(count) + " more bytes", remaining() + " to the end of the file");
        }
        long at = position;
        position += count;
        return at;
    }

    byte int8(String item) {
        return bytes.get(ValueLayout.JAVA_BYTE, take(1, item));
    }

    short int16(String item) {
        return bytes.get(INT16, take(2, item));
    }

    int int32(String item) {
        return bytes.get(INT32, take(4, item));
    }

    long int64(String item) {
        return bytes.get(INT64, take(8, item));
    }

    float float32(String item) {
        return bytes.get(FLOAT32, take(4, item));
    }

    double float64(String item) {
        return bytes.get(FLOAT64, take(8, item));
    }

    /** An unsigned number that must fit a long. */
    long uint64(String item) {
        long value = int64(item);
        if (value < 0) {
            position -= 8;
            throw invalid(item, "a number below 2^63", Long.toUnsignedString(value));
        }
        return value;
    }

    boolean bool(String item) {
        byte value = int8(item);
        if (value != 0 && value != 1) {
            position--;
            throw invalid(item, "a truth value of 0 or 1", Integer.toString(value & 255));
        }
        return value == 1;
    }

    /**
     * A number of things to come.
     *
     * @param size the fewest bytes that each of them takes
     */
    int count(int size, String item) {
        long count = int64(item);
        long most = Math.min(remaining() / size, Integer.MAX_VALUE - 8);
        if (count < 0 || count > most) {
            position -= 8;
            throw invalid(
                    item,
                    "a number of at most " + most + ", as the rest of the file can hold",
                    Long.toUnsignedString(count));
        }
        return (int) count;
    }

    /** Text in UTF-8; what is not valid becomes a replacement character, as in tokens of some vocabularies. */
    String string(String item) {
        int length = count(1, item);
        long at = take(length, item);
        boolean isShort = length <= SHORT;
        if (!isShort) {
            budget.charge(length, item, at);
        }
        byte[] text = isShort ? shortBytes.array() : new byte[length];
        MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, at, text, 0, length);
        if (isAscii(text, length)) {
            budget.charge(STRING_BYTES + (long) length, item, at);
            return new String(text, 0, length, StandardCharsets.ISO_8859_1);
        }
        if (isShort) {
            decoder.reset();
            decoder.decode(shortBytes.clear().limit(length), shortText.clear(), true);
            int characters = shortText.position();
            budget.charge(STRING_BYTES + Character.BYTES * characters, item, at);
            return new String(shortText.array(), 0, characters);
        }
        budget.charge(STRING_BYTES + (long) LONG_EXPANSION * length, item, at);
        return new String(text, 0, length, StandardCharsets.UTF_8);
    }

    private static boolean isAscii(byte[] text, int length) {
        int all = 0;
        for (int i = 0; i < length; i++) {
            all |= text[i];
        }
        return all >= 0;
    }

    /**
     * A name that things are found by.
     *
     * @param longest in bytes
     */
    String name(int longest, String item) {
        long at = position;
        String name = string(item);
        if (name.length() > longest || name.indexOf('\uFFFD') >= 0) {
            position = at;
            throw invalid(item, "a name of at most " + longest + " bytes of UTF-8", "something else");
        }
        return name;
    }

    ModelFormatException invalid(String item, String expected, String found) {
        return new ModelFormatException(file.path(), item, position, expected, found);
    }
}
