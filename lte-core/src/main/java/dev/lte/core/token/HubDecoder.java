package dev.lte.core.token;

import dev.lte.core.io.JsonView;

/**
 * What the {@code decoder} of a tokenizer.json says about the bytes of single tokens.
 *
 * @param stripsLeadingSpace whether a whole text loses a leading space
 */
record HubDecoder(PieceStyle style, boolean stripsLeadingSpace) {
    private static final String SPACE = String.valueOf(PieceStyle.SPACE);

    static HubDecoder read(JsonView json, boolean byteLevel) {
        if (!json.isPresent()) {
            return new HubDecoder(byteLevel ? PieceStyle.BYTE_LEVEL : PieceStyle.PLAIN, false);
        }
        String type = json.get("type").text();
        return switch (type) {
            case "ByteLevel" -> new HubDecoder(PieceStyle.BYTE_LEVEL, false);
            case "Metaspace" -> {
                String scheme = json.get("prepend_scheme").text("always");
                boolean prefix = json.get("add_prefix_space").flag(true) && !scheme.equals("never");
                yield new HubDecoder(PieceStyle.SENTENCE_PIECE, prefix);
            }
            case "WordPiece" -> new HubDecoder(PieceStyle.SENTENCE_PIECE, true);
            case "Sequence" -> sequence(json);
            default -> throw json.unsupported("the decoder " + type);
        };
    }

    private static HubDecoder sequence(JsonView json) {
        PieceStyle style = PieceStyle.PLAIN;
        boolean strips = false;
        for (JsonView step : json.get("decoders").elements()) {
            String type = step.get("type").text();
            switch (type) {
                case "ByteFallback", "Fuse" -> {}
                case "ByteLevel" -> style = PieceStyle.BYTE_LEVEL;
                case "Replace" -> {
                    boolean space =
                            SPACE.equals(step.get("pattern").get("String").textOrNull())
                                    && step.get("content").text().equals(" ");
                    if (!space) {
                        throw step.unsupported("a replacement other than of U+2581 by a space");
                    }
                    style = PieceStyle.SENTENCE_PIECE;
                }
                case "Metaspace" -> {
                    style = PieceStyle.SENTENCE_PIECE;
                    strips |= !step.get("prepend_scheme").text("always").equals("never");
                }
                case "Strip" -> {
                    boolean oneSpace = step.get("content").text().equals(" ")
                            && step.get("start").integer(0) <= 1
                            && step.get("stop").integer(0) == 0;
                    if (!oneSpace) {
                        throw step.unsupported("stripping other than of one leading space");
                    }
                    strips |= step.get("start").integer(0) == 1;
                }
                default -> throw step.unsupported("the decoder " + type);
            }
        }
        return new HubDecoder(style, strips);
    }
}
