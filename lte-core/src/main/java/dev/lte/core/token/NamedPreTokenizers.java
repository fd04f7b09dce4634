package dev.lte.core.token;

import dev.lte.UnsupportedModelException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The pre-tokenizers that GGUF files name by {@code tokenizer.ggml.pre}. A name stands for regular expressions, each of
 * which cuts the words of the one before, and for flags; the expressions are those of the models' own tokenizer.json
 * or, where the name was defined by llama.cpp, of its list.
 */
final class NamedPreTokenizers {
    private static final String CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";

    static final String GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

    static final String LLAMA3 = CONTRACTIONS
            + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
            + "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    static final String QWEN2 = CONTRACTIONS
            + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    private static final String CASED_WORD =
            "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*" + "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+";

    private static final String CAPITAL_WORD =
            "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+" + "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*";

    private static final String AFTER_WORDS = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    static final String TEKKEN = CASED_WORD + "|" + CAPITAL_WORD + "|\\p{N}" + AFTER_WORDS;

    static final String GPT_4O =
            CASED_WORD + CONTRACTIONS + "?|" + CAPITAL_WORD + CONTRACTIONS + "?|\\p{N}{1,3}" + AFTER_WORDS;

    /** Letters with case, as DeepSeek lists them. */
    private static final String CASED_LETTERS = "A-Za-z"
            + "\\u00b5\\u00c0-\\u00d6\\u00d8-\\u00f6\\u00f8-\\u01ba\\u01bc-\\u01bf\\u01c4-\\u0293"
            + "\\u0295-\\u02af\\u0370-\\u0373\\u0376\\u0377\\u037b-\\u037d\\u037f\\u0386\\u0388-\\u038a\\u038c"
            + "\\u038e-\\u03a1\\u03a3-\\u03f5\\u03f7-\\u0481\\u048a-\\u052f\\u0531-\\u0556\\u10a0-\\u10c5"
            + "\\u13a0-\\u13f5\\u13f8-\\u13fd\\u1c90-\\u1cba\\u1cbd-\\u1cbf\\u1d00-\\u1d2b\\u1d6b-\\u1d77"
            + "\\u1d79-\\u1d9a\\u1e00-\\u1f15\\u1f18-\\u1f1d\\u1f20-\\u1f45\\u1f48-\\u1f4d\\u1f50-\\u1f57\\u1f59"
            + "\\u1f5b\\u1f5d\\u1f5f-\\u1f7d\\u1f80-\\u1fb4\\u1fb6-\\u1fbc\\u1fbe\\u1fc2-\\u1fc4\\u1fc6-\\u1fcc"
            + "\\u1fd0-\\u1fd3\\u1fd6-\\u1fdb\\u1fe0-\\u1fec\\u1ff2-\\u1ff4\\u1ff6-\\u1ffc\\u2102\\u2107"
            + "\\u210a-\\u2113\\u2115\\u2119-\\u211d\\u2124\\u2126\\u2128\\u212a-\\u212d\\u212f-\\u2134\\u2139"
            + "\\u213c-\\u213f\\u2145-\\u2149\\u214e\\u2183\\u2184\\u2c00-\\u2c7b\\u2c7e-\\u2ce4\\u2ceb-\\u2cee"
            + "\\u2cf2\\u2cf3\\ua640-\\ua66d\\ua680-\\ua69b\\ua722-\\ua76f\\ua771-\\ua787\\ua78b-\\ua78e"
            + "\\uab70-\\uabbf\\ufb00-\\ufb06\\ufb13-\\ufb17\\uff21-\\uff3a\\uff41-\\uff5a"
            + "\\u{10400}-\\u{1044f}\\u{104b0}-\\u{104d3}\\u{104d8}-\\u{104fb}"
            + "\\u{10c80}-\\u{10cb2}\\u{10cc0}-\\u{10cf2}"
            + "\\u{118a0}-\\u{118df}\\u{1e900}-\\u{1e943}";

    private static final String CJK = "[\\u4e00-\\u9fa5\\u0800-\\u4e00\\uac00-\\ud7ff]+";

    private static final String DEEPSEEK3 = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
            + "|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

    /**
     * @param patterns applied one after the other
     * @param ignoreMerges whether a word that is a token is not built by merges
     * @param addsBegin whether a file that does not say so wants its begin-of-text token
     */
    record Named(List<String> patterns, boolean ignoreMerges, boolean addsBegin) {
        PreTokenizer preTokenizer() {
            return PreTokenizer.isolate(patterns.toArray(String[]::new));
        }
    }

    private record Entry(List<String> names, Named named) {}

    private static final List<Entry> ENTRIES = List.of(
            entry("default", plain("[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]")),
            entry(
                    "llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2",
                    new Named(List.of(LLAMA3), true, true)),
            entry("dbrx smaug-bpe glm4 chatglm-bpe", plain(LLAMA3)),
            entry(
                    "gpt-2 phi-2 jina-es jina-de gigachat jina-v2-es jina-v2-de a.x-4.0 mellum exaone4 "
                            + "jina-v1-en jina-v2-code roberta-bpe mpt olmo jais trillion granite-docling",
                    plain(GPT2)),
            entry("qwen2 deepseek-r1-qwen kormo megrez stablelm2 hunyuan grok-2", plain(QWEN2)),
            entry(
                    "deepseek-llm",
                    plain(
                            "[\\r\\n]",
                            "\\s?[" + CASED_LETTERS + "]+",
                            "\\s?[!-/:-~\\uff01-\\uff0f\\uff1a-\\uff5e\\u2018-\\u201f\\u3000-\\u3002]+",
                            "\\s+$",
                            CJK,
                            "\\p{N}+")),
            entry("deepseek-coder", plain("[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", CJK, "\\p{N}")),
            entry(
                    "deepseek-v3 hunyuan-dense",
                    plain("\\p{N}{1,3}", "[\\u4e00-\\u9fa5\\u3040-\\u309f\\u30a0-\\u30ff]+", DEEPSEEK3)),
            entry("falcon", plain("[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]")),
            entry("starcoder refact command-r smollm codeshell exaone minerva-7b", plain("\\p{N}", GPT2)),
            entry("tekken", new Named(List.of(TEKKEN), true, true)),
            entry("gpt-4o llama4 minimax-m2", plain(GPT_4O)),
            entry("bloom gpt3-finnish poro-chat", plain(" ?[^(\\s|.,!?…。，、।۔،)]+")),
            entry("viking", plain(" ?[^(\\s|.,!?…。，、।۔،)]+", "\\p{N}")),
            entry(
                    "seed-coder",
                    plain(CONTRACTIONS
                            + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}"
                            + "| ?[^\\s\\p{L}\\p{N}\\r\\n]+|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+")));

    private NamedPreTokenizers() {}

    /** @throws UnsupportedModelException if the name is unknown */
    static Named of(String name) {
        for (Entry entry : ENTRIES) {
            if (entry.names.contains(name)) {
                return entry.named;
            }
        }
        throw new UnsupportedModelException(
                "the pre-tokenizer tokenizer.ggml.pre = " + name + " is not known; known are "
                        + String.join(", ", names()),
                "use another model, or convert it again from its tokenizer.json");
    }

    static List<String> names() {
        List<String> names = new ArrayList<>();
        ENTRIES.forEach(entry -> names.addAll(entry.names));
        return names;
    }

    /** One name for each way of cutting. */
    static List<String> firstNames() {
        return ENTRIES.stream().map(entry -> entry.names.getFirst()).toList();
    }

    /** The usual name of the pre-tokenizer that splits by one pattern of a tokenizer.json, or null. */
    static @Nullable String nameOf(String pattern, boolean ignoreMerges) {
        for (Entry entry : ENTRIES) {
            if (entry.named.patterns.equals(List.of(pattern)) && entry.named.ignoreMerges == ignoreMerges) {
                return entry.names.getFirst();
            }
        }
        return null;
    }

    private static Entry entry(String names, Named named) {
        return new Entry(List.of(names.split(" ")), named);
    }

    private static Named plain(String... patterns) {
        return new Named(List.of(patterns), false, false);
    }
}
