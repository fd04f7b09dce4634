package dev.lte.core.format.safetensors;

import dev.lte.ModelFormatException;
import dev.lte.core.format.HeapBudget;
import dev.lte.core.format.MappedFile;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;

/**
 * Untrusted JSON, read from its beginning to its end without a tree of it in memory, which would take a multiple of the text.
 * Not thread-safe.
 */
final class JsonStream implements AutoCloseable {
    private static final int LONGEST_NAME = 1 << 16;

    /** The budget is charged when a string has been read: what this takes must fit beside all of it. */
    private static final int LONGEST_STRING = 1 << 20;

    /** Heap of a string without its characters. */
    private static final int STRING_BYTES = 64;

    /** What reading a character takes, the result included, at most. */
    private static final int CHARACTER_BYTES = 6;

    private final MappedFile file;
    private final HeapBudget budget;
    private final long begin;
    private final JsonParser parser;
    private String place;

    /** @param begin where the JSON begins in the file */
    JsonStream(MappedFile file, HeapBudget budget, long begin, long length, String place) {
        this.file = file;
        this.budget = budget;
        this.begin = begin;
        this.place = place;
        StreamReadConstraints limits = StreamReadConstraints.builder()
                .maxNestingDepth(16)
                .maxNameLength(LONGEST_NAME)
                .maxStringLength(LONGEST_STRING)
                .build();
        parser = read(() -> JsonFactory.builder()
                .streamReadConstraints(limits)
                .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
                .build()
                .createParser(ObjectReadContext.empty(), new Bytes(file.bytes().asSlice(begin, length))));
    }

    /** What the caller reads, for messages. */
    void at(String place) {
        this.place = place;
    }

    JsonToken next() {
        JsonToken token = read(parser::nextToken);
        if (token == null) {
            throw invalid("more JSON", "its end");
        }
        return token;
    }

    void expect(JsonToken token) {
        require(next(), token);
    }

    private void require(JsonToken found, JsonToken expected) {
        if (found != expected) {
            throw invalid(describe(expected), describe(found));
        }
    }

    private static String describe(JsonToken token) {
        return switch (token) {
            case START_OBJECT -> "an object";
            case START_ARRAY -> "an array";
            case END_OBJECT -> "the end of an object";
            case END_ARRAY -> "the end of an array";
            case PROPERTY_NAME -> "a member";
            case VALUE_STRING -> "a string";
            case VALUE_NUMBER_INT -> "an integer";
            case VALUE_NUMBER_FLOAT -> "a fraction";
            case VALUE_TRUE, VALUE_FALSE -> "true or false";
            case VALUE_NULL -> "null";
            default -> token.toString();
        };
    }

    /** Steps to the next member of an object and says whether there is one. */
    boolean nextMember() {
        JsonToken token = next();
        if (token == JsonToken.END_OBJECT) {
            return false;
        }
        require(token, JsonToken.PROPERTY_NAME);
        return true;
    }

    String name() {
        String name = read(parser::currentName);
        budget.charge(STRING_BYTES + (long) CHARACTER_BYTES * name.length(), place, begin);
        return name;
    }

    /** The string that follows. */
    String string() {
        expect(JsonToken.VALUE_STRING);
        String text = read(parser::getString);
        budget.charge(STRING_BYTES + (long) CHARACTER_BYTES * text.length(), place, begin);
        return text;
    }

    /** The value of the number just read, which must be an integer of 0 or more. */
    long number(JsonToken token) {
        require(token, JsonToken.VALUE_NUMBER_INT);
        JsonParser.NumberType type = read(parser::getNumberType);
        long value = type == JsonParser.NumberType.BIG_INTEGER ? -1 : read(parser::getLongValue);
        if (value < 0) {
            throw invalid("an integer from 0 to 2^63 - 1", "another");
        }
        return value;
    }

    void skip() {
        next();
        read(parser::skipChildren);
    }

    /** Checks that nothing but white space follows. */
    void end() {
        JsonToken token = read(parser::nextToken);
        if (token != null) {
            throw invalid("nothing behind the object", describe(token));
        }
    }

    ModelFormatException invalid(String expected, String found) {
        return new ModelFormatException(file.path(), place, begin + offset(), expected, found);
    }

    private long offset() {
        return Math.max(0, parser.currentLocation().getByteOffset());
    }

    private interface Reading<T> {
        T read();
    }

    private <T> T read(Reading<T> reading) {
        try {
            return reading.read();
        } catch (JacksonException e) {
            String problem = e.getOriginalMessage();
            throw new ModelFormatException(
                    file.path(), place, begin, "valid JSON", problem == null ? "something else" : problem);
        }
    }

    @Override
    public void close() {
        parser.close();
    }

    private static final class Bytes extends InputStream {
        private final MemorySegment bytes;
        private long position;

        Bytes(MemorySegment bytes) {
            this.bytes = bytes;
        }

        @Override
        public int read() {
            return position == bytes.byteSize() ? -1 : bytes.get(ValueLayout.JAVA_BYTE, position++) & 255;
        }

        @Override
        public int read(byte[] into, int offset, int length) {
            int count = (int) Math.min(length, bytes.byteSize() - position);
            if (count == 0) {
                return length == 0 ? 0 : -1;
            }
            MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, position, into, offset, count);
            position += count;
            return count;
        }
    }
}
