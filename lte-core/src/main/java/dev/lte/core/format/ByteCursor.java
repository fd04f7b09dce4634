package dev.lte.core.format;

import dev.lte.ModelFormatException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Reads little-endian values one after the other; every read is checked against the end of the file. */
public final class ByteCursor {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Path file;
    private final MemorySegment bytes;
    private long offset;

    public ByteCursor(Path file, MemorySegment bytes) {
        this.file = file;
        this.bytes = bytes;
    }

    /** Offset of the next byte. */
    public long offset() {
        return offset;
    }

    public long remaining() {
        return bytes.byteSize() - offset;
    }

    /**
     * Makes sure that {@code count} more elements of {@code size} bytes are there, without overflow.
     *
     * @param item what they are, for the message
     */
    public void require(long count, long size, String item) {
        if (count < 0 || count > remaining() / size) {
            throw invalid(item, Long.toUnsignedString(count) + " elements of " + size + " bytes", remaining() + " bytes to the end");
        }
    }

    public byte getByte(String item) {
        require(1, 1, item);
        return bytes.get(ValueLayout.JAVA_BYTE, offset++);
    }

    public short getShort(String item) {
        require(1, Short.BYTES, item);
        short value = bytes.get(SHORT, offset);
        offset += Short.BYTES;
        return value;
    }

    public int getInt(String item) {
        require(1, Integer.BYTES, item);
        int value = bytes.get(INT, offset);
        offset += Integer.BYTES;
        return value;
    }

    public long getLong(String item) {
        require(1, Long.BYTES, item);
        long value = bytes.get(LONG, offset);
        offset += Long.BYTES;
        return value;
    }

    /** UTF-8 of a length that has been read. */
    public String getText(long length, String item) {
        require(length, 1, item);
        String text = new String(
                bytes.asSlice(offset, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
        offset += length;
        return text;
    }

    /** An error at the next byte. */
    public ModelFormatException invalid(String item, String expected, String found) {
        return new ModelFormatException(file, item, offset, expected, found);
    }
}
