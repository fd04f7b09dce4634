package dev.lte.core.engine;

import dev.lte.ContextOverflowException;
import dev.lte.LteException;
import dev.lte.backend.Tensor;
import dev.lte.chat.ChatMessage;
import dev.lte.core.cache.KeyValueCache;
import dev.lte.core.cache.PageLease;
import dev.lte.core.cache.PrefixCache;
import dev.lte.core.conversation.MessagesJson;
import dev.lte.core.format.FileOutput;
import dev.lte.core.quant.CacheBlocks;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;

/**
 * Writes sessions to files and reads them. Files are not trusted: a checksum finds damage, and keys and values that come from a
 * file are seen by the sessions restored from it alone. Pages go through the engine one at a time, so that streams go on.
 */
final class SessionStore {
    private final Engine engine;
    private final Supplier<byte[]> fingerprint;
    private final Function<List<ChatMessage>, int[]> encode;
    private final SessionHeader model;
    private final int contextLength;
    private final AtomicLong realms = new AtomicLong(PrefixCache.COMMON);

    /**
     * A session as read.
     *
     * @param realm where its keys and values are found
     */
    record Restored(List<ChatMessage> messages, long realm) {}

    /**
     * @param fingerprint of the model; asked for when it is needed
     * @param encode the tokens of messages
     * @param columns K x E
     */
    SessionStore(
            Engine engine,
            EngineOptions options,
            int layers,
            int columns,
            Supplier<byte[]> fingerprint,
            Function<List<ChatMessage>, int[]> encode) {
        this.engine = engine;
        this.fingerprint = fingerprint;
        this.encode = encode;
        contextLength = options.contextLength();
        model = new SessionHeader(
                new byte[0],
                options.routed(),
                options.cacheType(),
                layers,
                columns,
                KeyValueCache.PAGE_SIZE,
                0,
                0,
                0,
                0);
    }

    private SessionHeader header(float threshold, int messageBytes, int tokens, int pages) {
        return new SessionHeader(
                fingerprint.get(),
                model.routed(),
                model.dtype(),
                model.layers(),
                model.columns(),
                model.pageSize(),
                threshold,
                messageBytes,
                tokens,
                pages);
    }

    void save(Path file, List<ChatMessage> messages, float threshold, long realm) {
        int[] tokens = encode.apply(messages);
        byte[] json = MessagesJson.write(messages);
        PageLease lease = call((prefixes, cache, queue) -> prefixes.open(threshold, realm, tokens, tokens.length));
        try (FileOutput out = FileOutput.create(file, 0, progress -> {})) {
            CRC32C checksum = new CRC32C();
            write(
                    out,
                    checksum,
                    header(threshold, json.length, tokens.length, lease.size()).toBytes());
            write(out, checksum, json);
            ByteBuffer ids = ByteBuffer.allocate(4 * tokens.length);
            ids.asIntBuffer().put(tokens);
            write(out, checksum, ids.array());
            for (int page : lease.pages()) {
                write(out, checksum, readPage(page));
            }
            out.write(ByteBuffer.allocate(8).putLong(checksum.getValue()).array());
            out.commit();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write " + file, e);
        } finally {
            giveBack(lease);
        }
    }

    private static void write(FileOutput out, CRC32C checksum, byte[] bytes) throws IOException {
        checksum.update(bytes);
        out.write(bytes);
    }

    private byte[] readPage(int page) {
        byte[] bytes = new byte[Math.toIntExact(model.pageBytes())];
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        return call((prefixes, cache, queue) -> {
            float[] values = new float[model.layerElements()];
            for (int layer = 0; layer < model.layers(); layer++) {
                for (Tensor tensor : List.of(cache.keys(layer), cache.values(layer))) {
                    queue.read(rows(tensor, page), values);
                    encode(values, buffer);
                }
            }
            return bytes;
        });
    }

    private void encode(float[] values, ByteBuffer buffer) {
        switch (model.dtype()) {
            case Q8_0 -> {
                byte[] blocks = new byte[CacheBlocks.bytes(values.length)];
                CacheBlocks.encode(values, 0, values.length, blocks, 0);
                buffer.put(blocks);
            }
            case F16 -> {
                for (float value : values) {
                    buffer.putShort(Float.floatToFloat16(value));
                }
            }
            default -> {
                for (float value : values) {
                    buffer.putFloat(value);
                }
            }
        }
    }

    private void decode(ByteBuffer buffer, float[] values) {
        switch (model.dtype()) {
            case Q8_0 -> {
                byte[] blocks = new byte[CacheBlocks.bytes(values.length)];
                buffer.get(blocks);
                CacheBlocks.decode(blocks, 0, values, 0, values.length);
            }
            case F16 -> {
                for (int i = 0; i < values.length; i++) {
                    values[i] = Float.float16ToFloat(buffer.getShort());
                }
            }
            default -> {
                for (int i = 0; i < values.length; i++) {
                    values[i] = buffer.getFloat();
                }
            }
        }
    }

    private static Tensor rows(Tensor tensor, int page) {
        int first = page * KeyValueCache.PAGE_SIZE;
        return tensor.rowRange(first, first + KeyValueCache.PAGE_SIZE);
    }

    Restored restore(Path file) {
        try {
            long fileBytes = Files.size(file);
            CRC32C checksum = new CRC32C();
            try (DataInputStream in = new DataInputStream(
                    new CheckedInputStream(new BufferedInputStream(Files.newInputStream(file), 1 << 16), checksum))) {
                SessionHeader header = SessionHeader.read(in, file, fileBytes);
                header.requireSameModel(header(0, 0, 0, 0));
                if (header.tokens() > contextLength) {
                    throw new ContextOverflowException(header.tokens(), 0, contextLength);
                }
                return restore(file, in, checksum, header);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + file, e);
        }
    }

    private Restored restore(Path file, DataInputStream in, CRC32C checksum, SessionHeader header) throws IOException {
        byte[] json = in.readNBytes(header.messageBytes());
        byte[] ids = in.readNBytes(4 * header.tokens());
        int[] tokens = new int[header.tokens()];
        ByteBuffer.wrap(ids).asIntBuffer().get(tokens);
        long realm = realms.incrementAndGet();
        PageLease lease = call((prefixes, cache, queue) -> prefixes.open(header.threshold(), realm, tokens, 0));
        try {
            // What finds no room is computed again when it is needed.
            boolean room = call((prefixes, cache, queue) -> prefixes.grow(lease, header.pages()));
            int[] pages = lease.pages();
            byte[] bytes = new byte[Math.toIntExact(header.pageBytes())];
            for (int i = 0; i < header.pages(); i++) {
                in.readFully(bytes);
                if (room) {
                    writePage(pages[i], bytes);
                }
            }
            long computed = checksum.getValue();
            if (in.readLong() != computed) {
                throw SessionHeader.invalid(file, "checksum", "that of the content", "another one");
            }
            List<ChatMessage> messages = MessagesJson.read(json, file);
            if (room) {
                call((prefixes, cache, queue) -> {
                    prefixes.commit(lease, tokens, header.pages() * header.pageSize());
                    return true;
                });
            }
            return new Restored(messages, realm);
        } finally {
            giveBack(lease);
        }
    }

    private void writePage(int page, byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.wrap(bytes);
        call((prefixes, cache, queue) -> {
            float[] values = new float[model.layerElements()];
            for (int layer = 0; layer < model.layers(); layer++) {
                for (Tensor tensor : List.of(cache.keys(layer), cache.values(layer))) {
                    decode(buffer, values);
                    queue.write(rows(tensor, page), values);
                }
            }
            return true;
        });
    }

    /** Waits until it is done; a model that was closed meanwhile has nothing to be given back to. */
    private void giveBack(PageLease lease) {
        engine.call((prefixes, cache, queue) -> {
                    prefixes.release(lease);
                    return true;
                })
                .handle((done, closed) -> true)
                .join();
    }

    private <T> T call(Engine.CacheWork<T> work) {
        try {
            return engine.call(work).join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof LteException failure) {
                throw failure;
            }
            throw e;
        }
    }
}
