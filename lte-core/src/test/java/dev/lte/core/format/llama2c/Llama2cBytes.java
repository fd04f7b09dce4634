package dev.lte.core.format.llama2c;

import dev.lte.core.format.MappedFile;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;

/** Checkpoints whose weights count up from 0 in the order of the file. */
final class Llama2cBytes {
    private Llama2cBytes() {}

    static byte[] of(int floats, int... header) {
        ByteBuffer bytes = ByteBuffer.allocate(28 + 4 * floats).order(ByteOrder.LITTLE_ENDIAN);
        for (int number : header) {
            bytes.putInt(number);
        }
        for (int i = 0; i < floats; i++) {
            bytes.putFloat(i);
        }
        return bytes.array();
    }

    static Llama2cFile open(byte[] bytes) {
        return Llama2cFile.of(MappedFile.of(Path.of("test.bin"), MemorySegment.ofArray(bytes)));
    }
}
