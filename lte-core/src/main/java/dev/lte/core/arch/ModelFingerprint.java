package dev.lte.core.arch;

import dev.lte.backend.WeightData;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import org.jspecify.annotations.Nullable;

/** Tells models apart by a digest: their configuration, and of the weights of the first and last layers types, shapes and some bytes. */
public final class ModelFingerprint {
    /** Bytes of a digest. */
    public static final int LENGTH = 32;

    /** Bytes that are taken of each end of a weight. */
    private static final long SAMPLE = 256;

    private ModelFingerprint() {}

    /** SHA-256, {@value #LENGTH} bytes. Not for security: two models may be made to agree. */
    public static byte[] of(ModelSource source) {
        MessageDigest digest = sha256();
        digest.update(source.config().toString().getBytes(StandardCharsets.UTF_8));
        int last = source.config().layers().size() - 1;
        for (WeightRole role : WeightRole.values()) {
            add(digest, source.find(role, 0));
            if (role.perLayer() && last > 0) {
                add(digest, source.find(role, last));
            }
        }
        return digest.digest();
    }

    private static void add(MessageDigest digest, @Nullable WeightData weight) {
        if (weight == null) {
            digest.update((byte) 0);
            return;
        }
        String shape = weight.dtype() + " " + weight.rows() + " " + weight.columns();
        digest.update(shape.getBytes(StandardCharsets.UTF_8));
        MemorySegment bytes = weight.bytes();
        long length = Math.min(SAMPLE, bytes.byteSize());
        digest.update(bytes.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE));
        digest.update(bytes.asSlice(bytes.byteSize() - length, length).toArray(ValueLayout.JAVA_BYTE));
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
