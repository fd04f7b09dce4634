package dev.lte.core.schema;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.UnsupportedSchemaException;
import dev.lte.core.token.TestVocabularies;
import java.time.Duration;
import java.time.Instant;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HostileSchemaTest {
    private static final ConstraintCompiler COMPILER = new ConstraintCompiler(TestVocabularies.stories());

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'not':{'type':'string'}}                                       | not                  | #",
                "{'type':'array','uniqueItems':true}                             | uniqueItems          | #",
                "{'type':'array','contains':{'type':'integer'}}                  | contains             | #",
                "{'type':'object','properties':{'a':{'if':{}}}}                  | if                   | #/properties/a",
                "{'type':'object','patternProperties':{'^x':{}}}                 | patternProperties    | #",
                "{'type':'object','minProperties':1}                             | minProperties        | #",
                "{'type':'object','dependentRequired':{}}                        | dependentRequired    | #",
                "{'type':'object','maxLenght':3}                                 | maxLenght            | #",
                "{'type':'array','items':{'type':'string','format':'regex'}}     | format               | #/items",
                "{'type':'string','pattern':'(?=a)b'}                            | pattern              | #",
                "{'type':'string','pattern':'(a)\\\\1'}                          | pattern              | #",
                "{'type':'string','pattern':'a\\\\b'}                            | pattern              | #",
                "{'type':'string','pattern':'a**'}                               | pattern              | #",
                "{'type':'string','pattern':'('}                                 | pattern              | #",
                "{'type':'string','pattern':'[z-a]'}                             | pattern              | #",
                "{'type':'string','pattern':'\\\\p{L}'}                          | pattern              | #",
                "{'type':'float'}                                                | type                 | #",
                "{'type':'string','minLength':-1}                                | minLength            | #",
                "{'type':'string','minLength':3,'maxLength':2}                   | maxLength            | #",
                "{'type':'array','minItems':1.5}                                 | minItems             | #",
                "{'type':'array','minItems':100000}                              | minItems             | #",
                "{'type':'array','items':[{'type':'null'}]}                      | items                | #",
                "{'type':'number','multipleOf':0.3}                              | multipleOf           | #",
                "{'type':'number','minimum':'1'}                                 | minimum              | #",
                "{'type':'number','minimum':1e-300}                              | minimum              | #",
                "{'$ref':'https://example.com/schema'}                           | $ref                 | #",
                "{'$ref':'#/$defs/none'}                                         | $ref                 | #",
                "{'$ref':'#'}                                                    | $ref                 | #",
                "{'$ref':'#/$defs/a','minLength':3,'$defs':{'a':{}}}             | minLength            | #",
                "{'anyOf':[{'type':'string'}],'minLength':3}                     | minLength            | #",
                "{'anyOf':[]}                                                    | anyOf                | #",
                "{'enum':[]}                                                     | enum                 | #",
                "{'enum':['a'],'pattern':'b'}                                    | pattern              | #",
                "{'allOf':[{'type':'string'},{'minLength':2}]}                   | allOf                | #",
                "{'oneOf':[{'type':'integer'},{'type':'number'}]}                | oneOf                | #",
                "{'oneOf':[{'type':'string','minLength':2},{'type':'string'}]}   | oneOf                | #",
                "{'oneOf':[{'properties':{'a':{'type':'null'}}},{'type':'null'}]}| oneOf                | #",
                "{'type':'object','required':['x'],'additionalProperties':false} | required             | #",
                "{'type':'object','required':'x'}                                | required             | #",
                "{'type':'object','properties':[]}                               | properties           | #",
                "{'type':'object','properties':{'a/b':{'minimum':[]}}}           | minimum              | #/properties/a~1b",
                "{'nullable':true}                                               | nullable             | #",
            })
    void whatCannotBeEnforcedIsAnErrorThatNamesKeywordAndPath(String schema, String keyword, String path) {
        assertThatThrownBy(() -> COMPILER.jsonSchema(schema.replace('\'', '"')))
                .isInstanceOfSatisfying(UnsupportedSchemaException.class, e -> {
                    assertThat(e.keyword()).isEqualTo(keyword);
                    assertThat(e.path()).isEqualTo(path);
                    assertThat(e.remedy()).isNotBlank();
                });
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "false",
                "{'type':'integer','minimum':3,'maximum':2}",
                "{'type':'array','items':false,'minItems':1}",
                "[]",
                "{",
                "{} {}",
                "{'a':1,'a':2}",
                "'x'",
                "3",
                "{'type':'string','enum':[1,2]}",
                "{'type':'string','pattern':'^[]$'}",
                "{'type':'string','pattern':'^abc$','maxLength':2}",
                "{'type':'object','properties':{'a':{'$ref':'#'}},'required':['a']}",
                "{'type':'integer','multipleOf':7,'minimum':1,'maximum':6}",
            })
    void whatNoValueSatisfiesAndWhatIsNoSchemaAreErrors(String schema) {
        assertThatThrownBy(() -> COMPILER.jsonSchema(schema.replace('\'', '"')))
                .isInstanceOf(UnsupportedSchemaException.class);
    }

    private static String nested(String open, String inside, String close, int depth) {
        return open.repeat(depth) + inside + close.repeat(depth);
    }

    private static String branches(int depth) {
        String definitions = IntStream.range(0, depth)
                .mapToObj(
                        i -> "\"a" + i + "\":{\"anyOf\":[{\"$ref\":\"#/$defs/a" + (i + 1) + "\"},{\"$ref\":\"#/$defs/b"
                                + (i + 1) + "\"}]},\"b" + i + "\":{\"anyOf\":[{\"$ref\":\"#/$defs/a" + (i + 1)
                                + "\"},{\"$ref\":\"#/$defs/b" + (i + 1) + "\"}]},")
                .collect(Collectors.joining());
        return "{\"$defs\":{" + definitions + "\"a" + depth + "\":{\"type\":\"array\"},\"b" + depth
                + "\":{\"type\":\"array\"}},\"$ref\":\"#/$defs/a0\"}";
    }

    /** Either compiles or is refused, soon; what compiles can be used. */
    @Test
    void hostileSchemasCostABoundedTime() {
        String[] hostile = {
            nested("{\"type\":\"array\",\"items\":", "{\"type\":\"null\"}", "}", 60),
            nested("{\"type\":\"array\",\"items\":", "{\"type\":\"null\"}", "}", 240),
            nested("{\"type\":\"array\",\"minItems\":1,\"items\":", "{\"type\":\"null\"}", "}", 100),
            nested("{\"type\":\"array\",\"items\":", "{\"type\":\"null\"}", "}", 100_000),
            nested("{\"anyOf\":[{\"type\":\"null\"},", "{\"type\":\"string\"}", "]}", 100),
            nested("{\"type\":\"array\",\"minItems\":4000,\"items\":", "{\"type\":\"null\"}", "}", 100),
            "{\"enum\":["
                    + IntStream.range(0, 60_000)
                            .mapToObj(i -> "\"value" + i * 7919 + "\"")
                            .collect(Collectors.joining(","))
                    + "]}",
            "{\"type\":\"object\",\"properties\":{"
                    + IntStream.range(0, 3000)
                            .mapToObj(i -> "\"p" + i + "\":{\"type\":\"integer\"}")
                            .collect(Collectors.joining(","))
                    + "}}",
            "{\"type\":\"string\",\"pattern\":\"^(a|b)*a(a|b){30}$\"}",
            "{\"type\":\"string\",\"pattern\":\"" + nested("(", "a", "*)*", 40) + "\"}",
            "{\"type\":\"string\",\"pattern\":\"^((a{1,1000}){1,1000}){1,1000}$\"}",
            "{\"type\":\"string\",\"pattern\":\"" + nested("(", "a", ")", 10_000) + "\"}",
            "{\"type\":\"string\",\"pattern\":\"^\\\\w{1,4000}$\",\"minLength\":3,\"maxLength\":4000}",
            "{\"type\":\"string\",\"pattern\":\"x\",\"minLength\":1000,\"maxLength\":4000}",
            "{\"type\":\"string\",\"minLength\":1000000,\"maxLength\":2000000000}",
            "{\"type\":\"number\",\"minimum\":1e999999999}",
            "{\"const\":1e999999999}",
            branches(50),
            "[".repeat(1 << 21),
        };
        for (String schema : hostile) {
            String shown = schema.substring(0, Math.min(80, schema.length()));
            Instant begin = Instant.now();
            boolean refused = false;
            try {
                TokenConstraint constraint = COMPILER.jsonSchema(schema).newConstraint();
                long[] mask = new long[constraint.maskLength()];
                SplittableRandom random = new SplittableRandom(5);
                for (int i = 0; i < 200 && !constraint.isComplete(); i++) {
                    constraint.writeMask(mask);
                    int[] allowed = IntStream.range(0, 64 * mask.length)
                            .filter(id -> (mask[id >> 6] >>> id & 1) != 0)
                            .toArray();
                    assertThat(allowed).as(shown).isNotEmpty();
                    constraint.accept(allowed[random.nextInt(allowed.length)]);
                }
            } catch (UnsupportedSchemaException e) {
                refused = true;
            }
            Duration took = Duration.between(begin, Instant.now());
            // A machine that does other work at the time is allowed for.
            assertThat(took).as("%s (refused: %s)", shown, refused).isLessThan(Duration.ofSeconds(20));
            if (Boolean.getBoolean("lte.schema.verbose")) {
                System.out.println(took.toMillis() + " ms refused=" + refused + " " + shown);
            }
        }
    }
}
