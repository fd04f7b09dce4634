package dev.lte.core.token;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.ModelFormatException;
import dev.lte.UnsupportedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

class HubTokenizerTest {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();
    private static final String BYTE_LEVEL =
            "{'type':'ByteLevel','add_prefix_space':false,'trim_offsets':true,'use_regex':true}";

    @TempDir
    private Path directory;

    private final ObjectNode root = MAPPER.createObjectNode();
    private final ObjectNode model = root.putObject("model");

    @BeforeEach
    void describesLettersWithoutMerges() {
        model.put("type", "BPE");
        ObjectNode vocabulary = model.putObject("vocab");
        for (char c = 'a'; c <= 'z'; c++) {
            vocabulary.put(String.valueOf(c), c - 'a');
        }
        for (String other : List.of("▁", "H", "!", ".", "1", "2", "²", "Ġ")) {
            vocabulary.put(other, vocabulary.size());
        }
        model.putArray("merges");
    }

    private void set(String part, String json) {
        root.set(part, MAPPER.readTree(json.replace('\'', '"')));
    }

    private void merges(String... merges) {
        ArrayNode array = model.putArray("merges");
        ObjectNode vocabulary = (ObjectNode) model.get("vocab");
        for (String merge : merges) {
            array.add(merge);
            if (!vocabulary.has(merge.replace(" ", ""))) {
                vocabulary.put(merge.replace(" ", ""), vocabulary.size());
            }
        }
    }

    private void added(String content, String flags) {
        ObjectNode vocabulary = (ObjectNode) model.get("vocab");
        ArrayNode array = root.withArray("added_tokens");
        ObjectNode token = (ObjectNode) MAPPER.readTree(("{" + flags + "}").replace('\'', '"'));
        array.add(token.put("id", vocabulary.size() + array.size()).put("content", content));
    }

    private VocabularyTokenizer load() throws IOException {
        Files.writeString(directory.resolve("tokenizer.json"), root.toString());
        return TokenizerLoader.fromHubDirectory(directory);
    }

    private static VocabularyTokenizer roundTrip(VocabularyTokenizer tokenizer) {
        return TokenizerLoader.fromGguf(TestGguf.of(tokenizer.metadata().toGguf()), Path.of("converted.gguf"));
    }

    private static List<String> pieces(VocabularyTokenizer tokenizer, String text, boolean parseSpecial) {
        int[] ids = tokenizer.encode(text, true, parseSpecial);
        assertThat(roundTrip(tokenizer).encode(text, true, parseSpecial))
                .as("round trip of %s", text)
                .isEqualTo(ids);
        return Arrays.stream(ids).mapToObj(tokenizer::piece).toList();
    }

    private void vocabularyOf(TokenizerMetadata metadata) {
        ObjectNode vocabulary = model.putObject("vocab");
        for (int id = 0; id < metadata.tokens().length; id++) {
            if (metadata.types()[id] == TokenType.NORMAL || metadata.types()[id] == TokenType.BYTE) {
                vocabulary.put(metadata.tokens()[id], id);
            }
        }
    }

    private static void compareWithGolden(VocabularyTokenizer tokenizer, String name) throws IOException {
        Path file = TestVocabularies.resource("vocab/ggml-vocab-" + name + ".gguf");
        String[] texts = Files.readString(Path.of(file + ".inp")).split("\n__ggml_vocab_test__\n", -1);
        List<String> lines = Files.readAllLines(Path.of(file + ".out"));
        VocabularyTokenizer again = roundTrip(tokenizer);
        for (int i = 0; i < lines.size(); i++) {
            String expected = lines.get(i).strip();
            for (VocabularyTokenizer each : List.of(tokenizer, again)) {
                int[] ids = each.encode(texts[i], false, false);
                String found = String.join(
                        " ", Arrays.stream(ids).mapToObj(String::valueOf).toList());
                assertThat(found).as("text %d: %s", i, texts[i]).isEqualTo(expected);
                assertThat(each.decode(ids)).isEqualTo(texts[i]);
            }
        }
    }

    @Test
    void readsGpt2() throws IOException {
        TokenizerMetadata gpt2 = TestVocabularies.gguf("gpt-2").metadata();
        vocabularyOf(gpt2);
        ArrayNode merges = model.putArray("merges");
        Arrays.stream(gpt2.merges()).forEach(merges::add);
        set("pre_tokenizer", BYTE_LEVEL);
        set("decoder", BYTE_LEVEL);
        set("post_processor", BYTE_LEVEL);
        set("added_tokens", "[{'id':50256,'content':'<|endoftext|>','special':true,'normalized':true}]");
        Files.writeString(directory.resolve("config.json"), "{\"bos_token_id\":50256,\"eos_token_id\":50256}");
        VocabularyTokenizer tokenizer = load();
        compareWithGolden(tokenizer, "gpt-2");
        assertThat(tokenizer.metadata().pre()).isEqualTo("gpt-2");
        assertThat(tokenizer.metadata().model()).isEqualTo("gpt2");
        assertThat(tokenizer.endOfTextIds()).containsExactly(50256);
    }

    /** As transformers converts Llama 2's SentencePiece model: merges of all cuts of a token, best score first. */
    @Test
    void readsLlama2() throws IOException {
        TokenizerMetadata llama = TestVocabularies.gguf("llama-spm").metadata();
        vocabularyOf(llama);
        float[] scores = Objects.requireNonNull(llama.scores());
        record Merge(String left, String right, int merged, int leftId, int rightId) {}
        Map<String, Integer> ids = new HashMap<>();
        for (int id = 0; id < llama.tokens().length; id++) {
            if (llama.types()[id] == TokenType.NORMAL) {
                ids.put(llama.tokens()[id], id);
            }
        }
        List<Merge> merges = new ArrayList<>();
        ids.forEach((token, id) -> {
            for (int cut = 1; cut < token.length(); cut++) {
                Integer left = ids.get(token.substring(0, cut));
                Integer right = ids.get(token.substring(cut));
                if (left != null && right != null) {
                    merges.add(new Merge(token.substring(0, cut), token.substring(cut), id, left, right));
                }
            }
        });
        merges.sort(Comparator.comparingDouble((Merge merge) -> -scores[merge.merged])
                .thenComparingInt(Merge::leftId)
                .thenComparingInt(Merge::rightId));
        ArrayNode array = model.putArray("merges");
        // Half of them as newer files write them.
        for (Merge merge : merges) {
            if (array.size() % 2 == 0) {
                array.add(merge.left + " " + merge.right);
            } else {
                array.addArray().add(merge.left).add(merge.right);
            }
        }
        model.put("byte_fallback", true).put("fuse_unk", true).put("unk_token", "<unk>");
        set(
                "added_tokens",
                "[{'id':0,'content':'<unk>','special':true},{'id':1,'content':'<s>','special':true},"
                        + "{'id':2,'content':'</s>','special':true}]");
        set(
                "normalizer",
                "{'type':'Sequence','normalizers':[{'type':'Prepend','prepend':'▁'},"
                        + "{'type':'Replace','pattern':{'String':' '},'content':'▁'}]}");
        set(
                "decoder",
                "{'type':'Sequence','decoders':[{'type':'Replace','pattern':{'String':'▁'},'content':' '},"
                        + "{'type':'ByteFallback'},{'type':'Fuse'},"
                        + "{'type':'Strip','content':' ','start':1,'stop':0}]}");
        set(
                "post_processor",
                "{'type':'TemplateProcessing','single':[{'SpecialToken':{'id':'<s>','type_id':0}},"
                        + "{'Sequence':{'id':'A','type_id':0}}],'pair':[],"
                        + "'special_tokens':{'<s>':{'id':'<s>','ids':[1],'tokens':['<s>']}}}");
        Files.writeString(
                directory.resolve("tokenizer_config.json"),
                "{\"bos_token\":{\"content\":\"<s>\"},\"eos_token\":\"</s>\"}");
        VocabularyTokenizer tokenizer = load();
        compareWithGolden(tokenizer, "llama-spm");
        assertThat(tokenizer.encode("Hello world")).containsExactly(1, 15043, 3186);
        assertThat(tokenizer.beginOfTextId()).isEqualTo(1);
        assertThat(tokenizer.metadata().addBegin()).isTrue();
        assertThat(tokenizer.metadata().unknownId()).isZero();
        // Llama's class goes by its own switches.
        Files.writeString(
                directory.resolve("tokenizer_config.json"),
                "{\"tokenizer_class\":\"LlamaTokenizerFast\",\"bos_token\":\"<s>\",\"eos_token\":\"</s>\","
                        + "\"add_bos_token\":false,\"add_eos_token\":true}");
        VocabularyTokenizer other = load();
        assertThat(other.encode("Hello world")).containsExactly(15043, 3186, 2);
        assertThat(roundTrip(other).encode("Hello world")).containsExactly(15043, 3186, 2);
    }

    @Test
    void matchesAddedTokensAlwaysAndSpecialOnesOnRequest() throws IOException {
        added("<end>", "'special':true");
        added("<mark>", "'special':false");
        added("<mark>s", "'special':false");
        VocabularyTokenizer tokenizer = load();
        assertThat(pieces(tokenizer, "a<mark>b<mark>sc<end>", true))
                .containsExactly("a", "<mark>", "b", "<mark>s", "c", "<end>");
        assertThat(pieces(tokenizer, "a<mark><end>", false)).containsExactly("a", "<mark>", "e", "n", "d");
        assertThat(tokenizer.decode(tokenizer.encode("a<mark>b<end>", false, true)))
                .isEqualTo("a<mark>b");
        assertThat(tokenizer.isSpecial(tokenizer.encode("<end>", false, true)[0]))
                .isTrue();
    }

    @Test
    void mergesOfTextNeverMakeASpecialToken() throws IOException {
        merges("e n", "en d");
        set("added_tokens", "[{'id':" + (model.get("vocab").size() - 1) + ",'content':'end','special':true}]");
        VocabularyTokenizer tokenizer = load();
        assertThat(pieces(tokenizer, "end", false)).containsExactly("en", "d");
        assertThat(pieces(tokenizer, "end", true)).containsExactly("end");
    }

    @Test
    void addedTokensStripSpaceAndStandAlone() throws IOException {
        added("<l>", "'lstrip':true");
        added("<r>", "'rstrip':true");
        added("w", "'single_word':true");
        VocabularyTokenizer tokenizer = load();
        model.put("unk_token", "z");
        assertThat(pieces(tokenizer, "a  <l>b<r> \n c", false)).containsExactly("a", "<l>", "b", "<r>", "c");
        int alone = tokenizer.encode("a w", false, false)[1];
        assertThat(tokenizer.encode("aw", false, false)[1]).isNotEqualTo(alone);
    }

    @Test
    void findsNormalizedAddedTokensInNormalizedText() throws IOException {
        set("normalizer", "{'type':'Lowercase'}");
        added("<MARK>", "'normalized':true");
        added("<RAW>", "'normalized':false");
        assertThat(pieces(load(), "A<mark>B<RAW>c<raw>", false))
                .containsExactly("a", "<MARK>", "b", "<RAW>", "c", "r", "a", "w");
    }

    @Test
    void appliesMergesByRankAndIgnoresThemOnRequest() throws IOException {
        merges("b c", "a b", "ab c", "a bc");
        assertThat(pieces(load(), "abc", false)).containsExactly("abc");
        merges("b c", "a b", "ab c");
        assertThat(pieces(load(), "abc", false)).containsExactly("a", "bc");
        model.put("ignore_merges", true);
        assertThat(pieces(load(), "abc", false)).containsExactly("abc");
    }

    @Test
    void normalizesAsDescribed() throws IOException {
        set(
                "normalizer",
                "{'type':'Sequence','normalizers':[{'type':'NFD'},{'type':'StripAccents'},"
                        + "{'type':'Lowercase'},"
                        + "{'type':'Strip','strip_left':true,'strip_right':true},"
                        + "{'type':'Replace','pattern':{'Regex':' {2,}'},'content':'.'}]}");
        assertThat(pieces(load(), "  ÀÉ   x ", false)).containsExactly("a", "e", ".", "x");
        set("normalizer", "{'type':'NFKC'}");
        assertThat(pieces(load(), "²", false)).containsExactly("2");
    }

    @Test
    void cutsWordsAsDescribed() throws IOException {
        merges("1 2", "1 1", "▁ a", "▁a b", "a b", "b !");
        set("pre_tokenizer", "{'type':'Digits','individual_digits':true}");
        assertThat(pieces(load(), "ab12", false)).containsExactly("ab", "1", "2");
        set("pre_tokenizer", "{'type':'Digits','individual_digits':false}");
        assertThat(pieces(load(), "ab12", false)).containsExactly("ab", "12");
        set("pre_tokenizer", "{'type':'Punctuation','behavior':'Isolated'}");
        assertThat(pieces(load(), "cb!", false)).containsExactly("c", "b", "!");
        set("pre_tokenizer", "{'type':'Whitespace'}");
        assertThat(pieces(load(), "ab b! ", false)).containsExactly("ab", "b", "!");
        set("pre_tokenizer", "{'type':'WhitespaceSplit'}");
        assertThat(pieces(load(), "ab b! ", false)).containsExactly("ab", "b!");
        set("pre_tokenizer", "{'type':'Metaspace','replacement':'▁','prepend_scheme':'always','split':true}");
        set("decoder", "{'type':'Metaspace','replacement':'▁','prepend_scheme':'always'}");
        assertThat(pieces(load(), "ab b", false)).containsExactly("▁ab", "▁", "b");
        assertThat(load().decode(load().encode("ab b"))).isEqualTo("ab b");
        added("<x>", "'special':false");
        set("pre_tokenizer", "{'type':'Metaspace','replacement':'▁','prepend_scheme':'first','split':false}");
        assertThat(pieces(load(), "ab b<x>ab", false)).containsExactly("▁ab", "▁", "b", "<x>", "ab");
        assertThat(pieces(load(), "<x>ab", false)).containsExactly("<x>", "ab");
        root.remove("decoder");
        set("pre_tokenizer", "{'type':'Split','pattern':{'String':'a'},'behavior':'Removed','invert':false}");
        assertThat(pieces(load(), "bab", false)).containsExactly("b", "b");
    }

    /** Falcon's digits and triples come after its bytes, so they see the spelling: the byte 0xB2 is the numeral two. */
    @Test
    void stepsAfterByteLevelSeeTheSpelling() throws IOException {
        merges("Ġ 1", "Â ²");
        ObjectNode vocabulary = (ObjectNode) model.get("vocab");
        vocabulary.put("Â", vocabulary.size());
        String digits = "{'type':'Digits','individual_digits':true}";
        set("pre_tokenizer", "{'type':'Sequence','pretokenizers':[" + BYTE_LEVEL + "," + digits + "]}");
        set("decoder", BYTE_LEVEL);
        VocabularyTokenizer tokenizer = load();
        assertThat(pieces(tokenizer, "a 1²", false)).containsExactly("a", "Ġ", "1", "Â", "²");
        assertThat(tokenizer.decode(tokenizer.encode("a 1²"))).isEqualTo("a 1²");
    }

    @Test
    void collectsEveryEndOfTextId() throws IOException {
        added("<eot>", "'special':true");
        added("<eos>", "'special':true");
        int eot = model.get("vocab").size();
        Files.writeString(directory.resolve("generation_config.json"), "{\"eos_token_id\":[" + eot + ",3]}");
        Files.writeString(directory.resolve("config.json"), "{\"eos_token_id\":4,\"bos_token_id\":null}");
        Files.writeString(directory.resolve("special_tokens_map.json"), "{\"eos_token\":\"<eos>\"}");
        VocabularyTokenizer tokenizer = load();
        assertThat(tokenizer.endOfTextIds()).containsExactly(eot, 3, 4, eot + 1);
        assertThat(roundTrip(tokenizer).endOfTextIds()).isEqualTo(tokenizer.endOfTextIds());
        assertThat(tokenizer.beginOfTextId()).isEqualTo(VocabularyTokenizer.NONE);
    }

    @Test
    void readsWordPiece() throws IOException {
        model.put("type", "WordPiece").put("unk_token", "[UNK]").put("continuing_subword_prefix", "##");
        set("normalizer", "{'type':'BertNormalizer','lowercase':true}");
        set("pre_tokenizer", "{'type':'BertPreTokenizer'}");
        set("decoder", "{'type':'WordPiece','prefix':'##','cleanup':true}");
        ObjectNode vocabulary = model.putObject("vocab");
        for (String token : List.of("[CLS]", "[SEP]", "[UNK]", "un", "##aff", "##able", "!", "世")) {
            vocabulary.put(token, vocabulary.size());
        }
        set(
                "added_tokens",
                "[{'id':0,'content':'[CLS]','special':true},{'id':1,'content':'[SEP]','special':true},"
                        + "{'id':2,'content':'[UNK]','special':true}]");
        set("post_processor", "{'type':'BertProcessing','cls':['[CLS]',0],'sep':['[SEP]',1]}");
        VocabularyTokenizer tokenizer = load();
        assertThat(tokenizer.encode("Unaffable! 世xyz")).containsExactly(0, 3, 4, 5, 6, 7, 2, 1);
        assertThat(roundTrip(tokenizer).encode("Unaffable! 世xyz")).containsExactly(0, 3, 4, 5, 6, 7, 2, 1);
        assertThat(tokenizer.decode(3, 4, 5, 6)).isEqualTo("unaffable !");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '~',
            value = {
                "normalizer; {'type':'Precompiled','precompiled_charsmap':''}; Precompiled",
                "pre_tokenizer; {'type':'UnicodeScripts'}; UnicodeScripts",
                "pre_tokenizer; {'type':'Split','pattern':{'Regex':'(?<=a)b'},'behavior':'Isolated'}; (?<=a)b",
                "decoder; {'type':'CTC'}; CTC",
                "post_processor; {'type':'Mystery'}; Mystery",
                "model; {'type':'Unigram','vocab':[['a',0.0]]}; Unigram",
                "model; {'type':'BPE','vocab':{'a':0},'merges':[],'end_of_word_suffix':'</w>'}; </w>",
                "model; {'type':'BPE','vocab':{'a':0},'merges':[],'dropout':0.1}; dropout",
            })
    void namesAComponentThatItDoesNotKnow(String part, String json, String name) {
        set(part, json);
        assertThatThrownBy(this::load)
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining(name)
                .hasMessageContaining("tokenizer");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '~',
            value = {
                "model; {'type':'BPE','vocab':{'a':2000000000},'merges':[]}; 2000000000",
                "model; {'type':'BPE','vocab':{'a':0,'b':0},'merges':[]}; id of its own",
                "model; {'type':'BPE','vocab':{'a':-1},'merges':[]}; model.vocab.a",
                "model; {'type':'BPE','vocab':{'a':0,'b':1},'merges':['a b']}; merge 0",
                "model; {'type':'BPE','vocab':{'a':0},'merges':[7]}; model.merges[0]",
                "model; {'type':'BPE','vocab':[],'merges':[]}; model.vocab",
                "model; []; model",
                "added_tokens; [{'id':5}]; added_tokens[0].content",
                "normalizer; {'type':7}; normalizer.type",
                "post_processor; {'type':'BertProcessing','cls':['a',999],'sep':['b',1]}; post_processor.cls[1]",
            })
    void namesThePlaceOfDamage(String part, String json, String place) {
        set(part, json);
        assertThatThrownBy(this::load).isInstanceOf(ModelFormatException.class).hasMessageContaining(place);
    }

    @Test
    void limitsStepsThatMakeATextLonger() throws IOException {
        String twice = "{'type':'Replace','pattern':{'String':'a'},'content':'aa'}";
        String steps = String.join(",", Collections.nCopies(60, twice));
        set("normalizer", "{'type':'Sequence','normalizers':[" + steps + "]}");
        VocabularyTokenizer tokenizer = load();
        assertThatThrownBy(() -> tokenizer.encode("a".repeat(1000))).isInstanceOf(UnsupportedModelException.class);
    }
}
