package dev.lte.core.engine;

import dev.lte.InvalidRequestException;
import dev.lte.ModelFormatException;
import dev.lte.backend.DType;
import dev.lte.core.arch.ModelFingerprint;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * The begin of a session file. The file is big-endian: this header, the messages as JSON, token ids of 4 bytes, pages, and
 * CRC-32C of all that (8 bytes). A page has, for each layer, its keys and then its values, in the type of the cache;
 * blocks are little-endian, as in model files.
 *
 * @param fingerprint of the model
 * @param routed whether routers chose experts
 * @param dtype of keys and values
 * @param columns of a position, K x E
 * @param threshold tau that the keys and values were computed with
 * @param messageBytes length of the messages
 * @param tokens number of token ids
 * @param pages number of pages, which hold the first tokens
 */
record SessionHeader(
        byte[] fingerprint,
        boolean routed,
        DType dtype,
        int layers,
        int columns,
        int pageSize,
        float threshold,
        int messageBytes,
        int tokens,
        int pages) {
    private static final long MAGIC = 0x4C54_4553_4553_5331L; // LTESESS1
    private static final int VERSION = 1;
    private static final int BYTES = 8 + 4 + ModelFingerprint.LENGTH + 9 * 4;
    private static final int CHECKSUM_BYTES = 8;
    private static final int MAX_MESSAGE_BYTES = 1 << 28;

    /** Types of caches; a file has the index. */
    private static final List<DType> TYPES = List.of(DType.F32, DType.F16, DType.Q8_0);

    byte[] toBytes() {
        return ByteBuffer.allocate(BYTES)
                .putLong(MAGIC)
                .putInt(VERSION)
                .put(fingerprint)
                .putInt(routed ? 1 : 0)
                .putInt(TYPES.indexOf(dtype))
                .putInt(layers)
                .putInt(columns)
                .putInt(pageSize)
                .putFloat(threshold)
                .putInt(messageBytes)
                .putInt(tokens)
                .putInt(pages)
                .array();
    }

    /** @throws ModelFormatException if the file is no session, damaged, or not as long as it says */
    static SessionHeader read(DataInputStream in, Path file, long fileBytes) throws IOException {
        if (fileBytes < BYTES + CHECKSUM_BYTES) {
            throw invalid(file, "size", "at least " + (BYTES + CHECKSUM_BYTES) + " bytes", fileBytes + " bytes");
        }
        if (in.readLong() != MAGIC) {
            throw invalid(file, "magic", "LTESESS1", "something else");
        }
        int version = in.readInt();
        if (version != VERSION) {
            throw invalid(file, "version", String.valueOf(VERSION), String.valueOf(version));
        }
        byte[] fingerprint = new byte[ModelFingerprint.LENGTH];
        in.readFully(fingerprint);
        int routed = in.readInt();
        int type = in.readInt();
        SessionHeader header = new SessionHeader(
                fingerprint,
                routed == 1,
                type >= 0 && type < TYPES.size() ? TYPES.get(type) : DType.F32,
                in.readInt(),
                in.readInt(),
                in.readInt(),
                in.readFloat(),
                in.readInt(),
                in.readInt(),
                in.readInt());
        header.check(file, fileBytes, routed, type);
        return header;
    }

    private void check(Path file, long fileBytes, int routedFlag, int typeFlag) {
        boolean known = (routedFlag & ~1) == 0 && typeFlag >= 0 && typeFlag < TYPES.size();
        if (!known || !(threshold >= 0 && threshold <= 1)) {
            throw invalid(file, "header", "flags of 0 or 1, a known type and a threshold of 0 to 1", "others");
        }
        boolean sane = layers > 0
                && layers < 1 << 16
                && columns > 0
                && columns < 1 << 20
                && columns % dtype.blockSize() == 0
                && pageSize > 0
                && pageSize < 1 << 16
                && messageBytes >= 0
                && messageBytes <= MAX_MESSAGE_BYTES
                && tokens >= 0
                && pages >= 0
                && (long) pages * pageSize <= tokens;
        if (!sane) {
            throw invalid(file, "header", "sizes that can be", "others");
        }
        long expected = BYTES + messageBytes + 4L * tokens + pages * pageBytes() + CHECKSUM_BYTES;
        if (expected != fileBytes) {
            throw invalid(file, "size", expected + " bytes, as its header says", fileBytes + " bytes");
        }
    }

    /** At most 2 x 2^16 x 2^16 x 2^20 x 4, which a long holds. */
    long pageBytes() {
        return 2L * layers * pageSize * dtype.byteSize(columns);
    }

    /** Elements of a page's keys, or values, of one layer. */
    int layerElements() {
        return Math.multiplyExact(pageSize, columns);
    }

    /** @param own header of a session of the model that is loaded */
    void requireSameModel(SessionHeader own) {
        require(Arrays.equals(fingerprint, own.fingerprint), "model", "that of this session", "another one");
        require(routed == own.routed, "dense", !routed, !own.routed);
        require(dtype == own.dtype, "cacheType", dtype, own.dtype);
        require(layers == own.layers && columns == own.columns, "cache", columns, own.columns);
        require(pageSize == own.pageSize, "pageSize", own.pageSize, pageSize);
    }

    private static void require(boolean same, String option, Object expected, Object found) {
        if (!same) {
            throw new InvalidRequestException(option, "as the session was saved, " + expected, found);
        }
    }

    static ModelFormatException invalid(Path file, String item, String expected, String found) {
        return new ModelFormatException(
                file,
                item,
                ModelFormatException.NO_OFFSET,
                expected,
                found,
                "save the session again, or begin a new one");
    }
}
