package dev.lte.cpu;

import dev.lte.backend.WeightData;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * Tells packed weights of a model from all others of it: how they are packed, and names, types, shapes and samples of what they
 * were packed of. Samples tell apart weights that a caller reordered under their old names.
 *
 * @param text without line breaks that a name did not bring
 */
record PackedKey(String text) {
    private static final int SAMPLES = 64;
    private static final int SAMPLE_BYTES = 64;

    static PackedKey of(String how, List<WeightData> weights) {
        StringBuilder text = new StringBuilder(how);
        for (WeightData weight : weights) {
            text.append("; ")
                    .append(weight.name())
                    .append(' ')
                    .append(weight.dtype())
                    .append(' ');
            text.append(weight.rows()).append(" x ").append(weight.columns()).append(' ');
            text.append(Integer.toHexString(sample(weight.bytes())));
        }
        return new PackedKey(text.toString());
    }

    private static int sample(MemorySegment bytes) {
        CRC32C sum = new CRC32C();
        long last = Math.max(0, bytes.byteSize() - SAMPLE_BYTES);
        for (int i = 0; i < SAMPLES; i++) {
            long start = last * i / (SAMPLES - 1);
            sum.update(bytes.asSlice(start, Math.min(SAMPLE_BYTES, bytes.byteSize() - start))
                    .asByteBuffer());
        }
        return (int) sum.getValue();
    }
}
