package dev.lte.core.token;

import dev.lte.ModelFormatException;
import dev.lte.UnsupportedModelException;
import dev.lte.core.io.FileContent;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Reads SentencePiece's tokenizer.model, a protocol buffer: field 1 the pieces (1 text, 2 score, 3 type), field 2 the
 * trainer's settings (3 model type, 40 to 43 special ids), field 3 the normalizer (2 compiled character map, 3
 * add_dummy_prefix, 4 remove_extra_whitespaces, 5 escape_whitespaces). Fields of other numbers are passed over.
 */
final class SentencePieceReader {
    private static final int VARINT = 0;
    private static final int FIXED64 = 1;
    private static final int BYTES = 2;
    private static final int FIXED32 = 5;
    private static final int BPE = 2;
    private static final int MOST_GAPS = 1 << 16;

    private record Piece(String text, float score, int type) {}

    private final Path file;
    private final List<Piece> pieces = new ArrayList<>();
    private long modelType = 1;
    private long unknownId;
    private long beginId = 1;
    private long endId = 2;
    private long paddingId = -1;
    private int characterMap;
    private boolean dummyPrefix = true;
    private boolean removeExtraSpaces = true;
    private boolean escapeSpaces = true;

    private SentencePieceReader(Path file) {
        this.file = file;
    }

    static TokenizerMetadata read(Path file, HubConfig config) {
        SentencePieceReader reader = new SentencePieceReader(file);
        ByteBuffer bytes = ByteBuffer.wrap(FileContent.of(file)).order(ByteOrder.LITTLE_ENDIAN);
        reader.message(bytes, (field, type) -> {
            if (type == BYTES && field >= 1 && field <= 3) {
                ByteBuffer part = reader.part(bytes);
                switch (field) {
                    case 1 -> reader.piece(part);
                    case 2 -> reader.trainer(part);
                    default -> reader.normalizer(part);
                }
                return true;
            }
            return false;
        });
        return reader.metadata(config);
    }

    private TokenizerMetadata metadata(HubConfig config) {
        if (modelType != BPE) {
            throw unsupported("a SentencePiece model of type " + modelType + " (2, BPE, is supported; 1 is unigram)");
        } else if (characterMap > 0) {
            throw unsupported("a SentencePiece model with a compiled character map");
        } else if (!escapeSpaces) {
            throw unsupported("a SentencePiece model that does not escape white space");
        }
        addTokens(config.addedTokens());
        int size = pieces.size();
        String[] tokens = new String[size];
        float[] scores = new float[size];
        int[] types = new int[size];
        for (int id = 0; id < size; id++) {
            tokens[id] = pieces.get(id).text;
            scores[id] = pieces.get(id).score;
            types[id] = pieces.get(id).type;
        }
        TokenizerMetadata.Builder builder = TokenizerMetadata.builder("llama", tokens, types);
        builder.pre = "default";
        builder.scores = scores;
        builder.unknownId = id(unknownId);
        builder.beginId = id(beginId);
        builder.endId = id(endId);
        builder.paddingId = id(paddingId);
        Boolean addBegin = config.option("add_bos_token");
        builder.addBegin = builder.beginId >= 0 && (addBegin == null || addBegin);
        builder.addEnd = builder.endId >= 0 && Boolean.TRUE.equals(config.option("add_eos_token"));
        builder.addSpacePrefix = dummyPrefix;
        builder.removeExtraSpaces = removeExtraSpaces;
        List<Integer> ends = new ArrayList<>(config.endOfTextIds(Map.of(), size));
        if (builder.endId >= 0 && !ends.contains(builder.endId)) {
            ends.add(builder.endId);
        }
        builder.endOfTextIds = ends;
        return builder.build();
    }

    /** Tokens beyond the model's own, and the roles that the configuration gives to its own. */
    private void addTokens(List<AddedTokens.Added> added) {
        int most = pieces.size() + added.size() + MOST_GAPS;
        for (AddedTokens.Added token : added) {
            if (token.id() >= most) {
                throw unsupported(
                        "a SentencePiece model of " + pieces.size() + " tokens with the added id " + token.id());
            }
            while (pieces.size() <= token.id()) {
                pieces.add(new Piece("", 0, TokenType.UNUSED));
            }
            Piece old = pieces.get(token.id());
            int type = token.special() ? TokenType.CONTROL : TokenType.USER_DEFINED;
            boolean keeps = old.type == TokenType.UNKNOWN || old.type == TokenType.BYTE;
            pieces.set(token.id(), new Piece(token.text(), old.score, keeps ? old.type : type));
        }
    }

    private int id(long value) {
        return value >= 0 && value < pieces.size() ? (int) value : VocabularyTokenizer.NONE;
    }

    private void piece(ByteBuffer bytes) {
        String[] text = {""};
        float[] score = {0};
        int[] kind = {TokenType.NORMAL};
        message(bytes, (field, type) -> {
            if (field == 1 && type == BYTES) {
                ByteBuffer part = part(bytes);
                text[0] = StandardCharsets.UTF_8.decode(part).toString();
            } else if (field == 2 && type == FIXED32) {
                require(bytes, 4);
                score[0] = bytes.getFloat();
            } else if (field == 3 && type == VARINT) {
                kind[0] = Math.clamp(varint(bytes), 0, 100);
            } else {
                return false;
            }
            return true;
        });
        pieces.add(new Piece(text[0], score[0], kind[0]));
    }

    private void trainer(ByteBuffer bytes) {
        message(bytes, (field, type) -> {
            if (type != VARINT) {
                return false;
            }
            // Ids are int32: negative ones are written as ten bytes.
            long value = varint(bytes);
            switch (field) {
                case 3 -> modelType = value;
                case 40 -> unknownId = value;
                case 41 -> beginId = value;
                case 42 -> endId = value;
                case 43 -> paddingId = value;
                default -> {}
            }
            return true;
        });
    }

    private void normalizer(ByteBuffer bytes) {
        message(bytes, (field, type) -> {
            if (field == 2 && type == BYTES) {
                characterMap = part(bytes).remaining();
                return true;
            } else if (type != VARINT) {
                return false;
            }
            boolean value = varint(bytes) != 0;
            switch (field) {
                case 3 -> dummyPrefix = value;
                case 4 -> removeExtraSpaces = value;
                case 5 -> escapeSpaces = value;
                default -> {}
            }
            return true;
        });
    }

    /** Reads one field if it is of use. */
    private interface FieldReader {
        /** @return whether the field's value has been read */
        boolean read(int field, int type);
    }

    private void message(ByteBuffer bytes, FieldReader reader) {
        while (bytes.hasRemaining()) {
            long tag = varint(bytes);
            int field = Math.clamp(tag >>> 3, 0, Integer.MAX_VALUE);
            int type = (int) (tag & 7);
            if (field == 0) {
                throw invalid(bytes, "a field number", "0");
            }
            if (!reader.read(field, type)) {
                skip(bytes, type);
            }
        }
    }

    private void skip(ByteBuffer bytes, int type) {
        switch (type) {
            case VARINT -> varint(bytes);
            case FIXED64 -> {
                require(bytes, 8);
                bytes.position(bytes.position() + 8);
            }
            case BYTES -> part(bytes);
            case FIXED32 -> {
                require(bytes, 4);
                bytes.position(bytes.position() + 4);
            }
            default -> throw invalid(bytes, "a wire type of 0, 1, 2 or 5", String.valueOf(type));
        }
    }

    /** A length and as many bytes, as a view. */
    private ByteBuffer part(ByteBuffer bytes) {
        long length = varint(bytes);
        if (length < 0 || length > bytes.remaining()) {
            throw invalid(bytes, "at most the " + bytes.remaining() + " bytes that follow", String.valueOf(length));
        }
        ByteBuffer part = bytes.slice(bytes.position(), (int) length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.position(bytes.position() + (int) length);
        return part;
    }

    private long varint(ByteBuffer bytes) {
        long value = 0;
        for (int shift = 0; shift < 70; shift += 7) {
            require(bytes, 1);
            byte next = bytes.get();
            value |= (next & 0x7FL) << shift;
            if (next >= 0) {
                return value;
            }
        }
        throw invalid(bytes, "an integer of at most ten bytes", "a longer one");
    }

    private void require(ByteBuffer bytes, int count) {
        if (bytes.remaining() < count) {
            throw invalid(bytes, count + " bytes", "the end after " + bytes.remaining());
        }
    }

    private ModelFormatException invalid(ByteBuffer bytes, String expected, String found) {
        long offset = bytes.arrayOffset() + bytes.position();
        return new ModelFormatException(file, "SentencePiece model", offset, expected, found);
    }

    private UnsupportedModelException unsupported(String what) {
        return new UnsupportedModelException(file + " is " + what, "add the tokenizer's tokenizer.json");
    }
}
