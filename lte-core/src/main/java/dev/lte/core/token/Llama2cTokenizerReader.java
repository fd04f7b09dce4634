package dev.lte.core.token;

import dev.lte.ModelFormatException;
import dev.lte.core.io.FileContent;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/**
 * Reads llama2.c's tokenizer.bin: int32 length of the longest token, then for each token float32 score, int32 length,
 * UTF-8 bytes; little-endian. The tokens are SentencePiece's with spaces for U+2581; id 0 is unknown, 1 begins and 2
 * ends a text, 3 to 258 are the bytes.
 */
final class Llama2cTokenizerReader {
    private static final int BYTES_FROM = 3;

    private Llama2cTokenizerReader() {}

    static TokenizerMetadata read(Path file, int vocabulary) {
        ByteBuffer bytes = ByteBuffer.wrap(FileContent.of(file)).order(ByteOrder.LITTLE_ENDIAN);
        // Each token takes at least 8 bytes, so the count is checked before anything of its size is allocated.
        if (vocabulary < BYTES_FROM || vocabulary > (bytes.remaining() - 4) / 8) {
            throw new ModelFormatException(
                    file,
                    "tokenizer",
                    ModelFormatException.NO_OFFSET,
                    vocabulary + " tokens, as the model has",
                    "a file of " + bytes.remaining() + " bytes",
                    "use the tokenizer.bin that belongs to the model");
        }
        bytes.getInt();
        String[] tokens = new String[vocabulary];
        float[] scores = new float[vocabulary];
        int[] types = new int[vocabulary];
        for (int id = 0; id < vocabulary; id++) {
            require(file, bytes, id, 8);
            scores[id] = bytes.getFloat();
            int length = bytes.getInt();
            require(file, bytes, id, length);
            String text = new String(bytes.array(), bytes.position(), length, StandardCharsets.UTF_8);
            bytes.position(bytes.position() + length);
            types[id] = type(id, text);
            boolean wrapped = id < BYTES_FROM && text.startsWith("\n") && text.endsWith("\n") && length > 2;
            tokens[id] = wrapped ? text.strip() : text.replace(' ', PieceStyle.SPACE);
        }
        TokenizerMetadata.Builder builder = TokenizerMetadata.builder("llama", tokens, types);
        builder.pre = "default";
        builder.scores = scores;
        builder.unknownId = 0;
        builder.beginId = 1;
        builder.endId = 2;
        builder.addBegin = true;
        builder.addSpacePrefix = true;
        // llama2.c's programs end a text at the begin token too: models trained without an end mark emit it.
        builder.endOfTextIds = List.of(2, 1);
        return builder.build();
    }

    private static int type(int id, String text) {
        if (id == 0) {
            return TokenType.UNKNOWN;
        } else if (id < BYTES_FROM) {
            return TokenType.CONTROL;
        }
        return PieceStyle.byteOf(text) >= 0 ? TokenType.BYTE : TokenType.NORMAL;
    }

    private static void require(Path file, ByteBuffer bytes, int id, int length) {
        if (length < 0 || length > bytes.remaining()) {
            throw new ModelFormatException(
                    file,
                    "token " + id,
                    bytes.position(),
                    length < 0 ? "a length" : length + " bytes",
                    length < 0 ? String.valueOf(length) : "the end of the file after " + bytes.remaining());
        }
    }
}
