package dev.lte.core.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.InvalidRequestException;
import dev.lte.LteException;
import dev.lte.ModelFormatException;
import dev.lte.UnsupportedModelException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChatTemplateTest {
    private static String render(String source) {
        return ChatTemplate.parse(source, Goldens.CLOCK).render(Map.of());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{% include 'a' %}|the tag include",
                "{% import 'a' as b %}|the tag import",
                "{% from 'a' import b %}|the tag from",
                "{% extends 'a' %}|the tag extends",
                "{% block a %}{% endblock %}|the tag block",
                "{% do x %}|the tag do",
                "{% trans %}a{% endtrans %}|the tag trans",
                "{% autoescape true %}{% endautoescape %}|the tag autoescape",
                "{% for x in y recursive %}{% endfor %}|a recursive loop",
                "`{{ x|groupby('a') }}`|the filter groupby",
                "`{{ x|map('groupby') }}`|the filter groupby",
                "`{{ x|select('filter') }}`|the test filter",
                "`{{ x|selectattr('a', 'test') }}`|the test test",
                "{{ x is filter }}|the test filter",
                "{{ x.encode() }}|the method encode",
                "{{ x.translate() }}|the method translate",
                "{{ lipsum() }}|the global lipsum",
                "{{ cycler('a') }}|the global cycler",
                "`{{ x.__class__ }}`|the attribute __class__",
                "`{{ x[1, 2] }}`|a subscript with a comma",
                "{{ 99999999999999999999 }}|the integer 99999999999999999999, which needs more than 64 bits,",
            })
    void refusesWhatIsNotImplementedWhenItIsParsed(String source, String construct) {
        assertThatThrownBy(() -> ChatTemplate.parse("\n\n" + source))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("chat template line 3: " + construct + " ")
                .hasMessageContaining("not supported");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{{ 9223372036854775807 + 1 }}",
                "{{ 2 ** 64 }}",
                "{{ {}.items }}",
                "{{ [1]|map('string') }}",
                "{% macro f() %}{% endmacro %}{{ f }}",
                "{{ 1['__class__'] }}",
                "{{ '%x' % 5 }}",
                "{{ '{:>5}'.format(1) }}",
                "{{ ('a'|safe).upper() }}",
                "{{ ('a'|safe)|upper }}",
                "{{ strftime_now('%Z') }}",
                "{{ 'a'['casefold']() }}",
            })
    void refusesAtRenderingRatherThanWriteAnotherPrompt(String source) {
        ChatTemplate template = ChatTemplate.parse(source);
        assertThatThrownBy(() -> template.render(Map.of()))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("chat template line 1");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{{ 1 +|an expression",
                "{% if true %}|endif",
                "{{ 'a }}|closing",
                "{{ (1] }}|']'",
                "{% endfor %}|'endfor'",
                "{% break %}|a loop",
                "{# a|#}",
                "{% set none = 1 %}|constant",
            })
    void rejectsASyntaxErrorWithItsLine(String source, String hint) {
        assertThatThrownBy(() -> ChatTemplate.parse("a\n" + source))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("chat template line 2")
                .hasMessageContaining(hint);
    }

    @Test
    void handsOnTheMessageOfRaiseException() {
        assertThatThrownBy(() -> render("\n{{ raise_exception('Roles must ' ~ 'alternate') }}"))
                .isInstanceOfSatisfying(
                        InvalidRequestException.class,
                        e -> assertThat(e.option()).isEqualTo("messages"))
                .hasMessageContaining("'Roles must alternate' (chat template line 2)");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{{ messages[0].role }}|'messages' is undefined",
                "{{ {'a': 1}.b.c }}|'dict object' has no attribute 'b'",
                "{{ [1][5].x }}|list object has no element 5",
                "{{ 'a' + none }}|'str' and 'NoneType'",
                "{{ [].append(1) }}|the method 'append' of a list is closed to templates",
                "{% macro f(a) %}{{ a.x }}{% endmacro %}{{ f() }}|parameter 'a' was not provided",
            })
    void saysWhichValueWasMissing(String source, String problem) {
        assertThatThrownBy(() -> render(source))
                .isInstanceOf(InvalidRequestException.class)
                .hasMessageContaining(problem)
                .hasMessageContaining("chat template line 1");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
                "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
                "{% set ns = namespace(s='aaaaaaaaaaaaaaaa') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{%"
                        + " endfor %}",
                "{% set ns = namespace(s='a') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
                "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
                "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{"
                        + " ns.s }}",
                "{% set ns = namespace(s=[1]) %}{% for i in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{"
                        + " ns.s|tojson }}",
                "{% set n = namespace(s=[1], t=[1]) %}{% for i in range(60) %}{% set n.s = [n.s, n.s] %}{% set n.t ="
                        + " [n.t, n.t] %}{% endfor %}{{ n.s == n.t }}",
                "{% set ns = namespace(s=[]) %}{% for i in range(100000) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s"
                        + " }}",
                "{% set ns = namespace(s=[]) %}{% for i in range(100000) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s"
                        + " == [ns.s] }}",
                "{% set ns = namespace(s={}) %}{% for i in range(5000) %}{% set ns.s = {(ns.s|length, i): ns.s} %}{%"
                        + " endfor %}{{ ns.s|tojson }}{{ ns.s }}",
                "{{ 'a' * 10000000000 }}",
                "{{ [1] * 10000000000 }}",
                "{{ 'a'.ljust(10000000000) }}",
                "{{ 'a'|indent(10000000000) }}",
                "{{ {'a': 1}|tojson(indent=1000000000) }}",
                "{{ ('a' * 10000).replace('', 'b' * 10000) }}",
                "{{ ('a,' * 10000).replace(',', 'b' * 10000) }}",
                "{{ ('b' * 10000).join(['a'] * 10000) }}",
                "{{ ['a'] * 10000 | join('b' * 10000) }}",
                "{{ ('{0}' * 10000).format('b' * 10000) }}",
                "{{ ('%s' * 3000) % (['b' * 10000] * 3000)|list }}",
                "{% for i in range(100000) %}{{ 'a' * 1000 }}{% endfor %}",
                "{% set s = 'a' * 8000000 %}{% for i in range(100000) %}{% if s ~ i == s %}{% endif %}{% endfor %}",
                "{% set s = 'a' * 8000000 %}{% for i in range(100000) %}{% if 'b' in s %}{% endif %}{% endfor %}",
                "{% set s = 'a' * 4000000 %}{{ s.find('a' * 2000000 ~ 'b') }}",
                "{% for i in range(100000) %}{% if range(100000)|list %}{% endif %}{% endfor %}",
                "{% for i in range(100000) %}{% if 5.5 in range(100000) %}{% endif %}{% endfor %}",
                "{% set l = range(100000)|list %}{% for i in range(100000) %}{{ l|sort|length }}{% endfor %}",
                "{% set l = range(100000)|list %}{% set d = dict(l|map('string')|map('list')|list) %}",
                "{{ range(100000)|unique|list }}",
                "{% set n = namespace(s=(1,)) %}{% for i in range(60) %}{% set n.s = (n.s, n.s) %}{% endfor %}{{ {n.s:"
                        + " 1} }}",
                "{% set n = namespace(s=(1,)) %}{% for i in range(60) %}{% set n.s = (n.s, n.s) %}{% endfor %}{{"
                        + " {}[n.s] }}",
                "{% set n = namespace(s=(1,)) %}{% for i in range(60) %}{% set n.s = (n.s, n.s) %}{% endfor %}{{"
                        + " {}.get(n.s) }}",
                "{{ strftime_now('%c' * 1000000) }}",
                "{% set s = 'a' * 8000000 %}{% for i in range(100000) %}{% if s.format() %}{% endif %}{% endfor %}",
                "{% set t = ('a' * 7000000 ~ 'b',) * 10000 %}{% set s = 'a' * 8000000 %}{{ s.startswith(t) }}",
                "{{ range(100000)|map('float')|list|string * 100 }}",
                "{{ range(9223372036854775807) }}",
                "{{ range(-9223372036854775807, 9223372036854775807, 9223372036854775807) }}",
            })
    void boundsWhatAHostileTemplateCanUse(String source) {
        expectLimit(source);
    }

    @Tag("long")
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% set s = 'a' * 8000000 %}{% for i in range(100000) %}{% if s|trim('a') %}{% endif %}{% endfor %}",
                "{% for i in range(100000) %}{{ strftime_now('%c') }}{% endfor %}",
                "{% set s = 'a' * 8000000 %}{% for i in range(100000) %}{% if s % () %}{% endif %}{% endfor %}",
                "{% set s = 'a' * 8000000 %}{% for i in range(100000) %}{% if s|int %}{% endif %}{% endfor %}",
                "{{ ['\\x00' * 16000000]|string }}",
                "{{ ['\\x00' * 16000000]|tojson }}",
                "{% for i in range(100000) %}{{ [1e-300 * i] * 100 }}{% endfor %}",
            })
    void boundsWhatAHostileTemplateCanUseUpToTheLastStep(String source) {
        expectLimit(source);
    }

    private static void expectLimit(String source) {
        long start = System.nanoTime();
        assertThatThrownBy(() -> render(source)).isInstanceOf(InvalidRequestException.class);
        assertThat((System.nanoTime() - start) / 1e9).as("seconds").isLessThan(20);
    }

    @ParameterizedTest
    @ValueSource(strings = {"(", "[", "{1:", "not ", "-", "1 if 1 else ", "x is eq ", "f(", "x[", "1+", "x|default("})
    void boundsTheNestingOfExpressions(String open) {
        assertThatThrownBy(() -> render("{{ " + open.repeat(100_000) + "1 }}"))
                .isInstanceOfAny(
                        UnsupportedModelException.class, ModelFormatException.class, InvalidRequestException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% if 1 %}",
                "{% for x in y %}",
                "{% set x %}",
                "{% macro f() %}",
                "{% filter trim %}",
                "{% with %}"
            })
    void boundsTheNestingOfTags(String open) {
        assertThatThrownBy(() -> ChatTemplate.parse(open.repeat(10_000))).isInstanceOf(UnsupportedModelException.class);
    }

    @Test
    void parsesManyNamesAndBranchesInLinearTime() {
        StringBuilder source = new StringBuilder();
        for (int i = 0; i < 20_000; i++) {
            source.append("{{ a")
                    .append(i)
                    .append(" }}{% if x %}{% set b")
                    .append(i)
                    .append(" = 1 %}{% endif %}");
        }
        long start = System.nanoTime();
        assertThat(render(source.toString())).isEmpty();
        assertThat((System.nanoTime() - start) / 1e9).as("seconds").isLessThan(10);
    }

    @Test
    void survivesLongChainsOfOperators() {
        for (String part : List.of(" + 1", "|string", ".a", "[0]", " and 1", " is defined", "()", " ~ 1", " == 1")) {
            String source = "{{ 1" + part.repeat(50_000) + " }}";
            try {
                render(source);
            } catch (LteException e) {
                assertThat(e.getMessage()).contains("chat template line 1");
            }
        }
    }

    @Test
    void boundsTheStackOfASmallThread() throws InterruptedException {
        List<Throwable> failures = new ArrayList<>();
        Thread thread = new Thread(
                null,
                () -> {
                    try {
                        render("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}");
                    } catch (Throwable e) {
                        failures.add(e);
                    }
                },
                "small stack",
                192 << 10);
        thread.start();
        thread.join();
        assertThat(failures).singleElement().isInstanceOf(InvalidRequestException.class);
    }

    @Test
    void rejectsVariablesThatAreNoData() {
        ChatTemplate template = ChatTemplate.parse("{{ x }}");
        assertThatThrownBy(() -> template.render(Map.of("x", new Object())))
                .isInstanceOf(InvalidRequestException.class);
        assertThatThrownBy(() -> template.render(Map.of("x", Map.of(1, 2))))
                .isInstanceOf(InvalidRequestException.class);
        List<Object> cyclic = new ArrayList<>();
        cyclic.add(cyclic);
        assertThatThrownBy(() -> template.render(Map.of("x", cyclic))).isInstanceOf(InvalidRequestException.class);
    }

    @Test
    void leavesVariablesUnchangedAndTakesAllNumberTypes() {
        Map<String, Object> variables = new HashMap<>();
        variables.put("i", 1);
        variables.put("s", (short) 2);
        variables.put("f", 1.5f);
        variables.put("d", 0.1);
        variables.put("nothing", null);
        Map<String, Object> before = new HashMap<>(variables);
        assertThat(ChatTemplate.parse("{% set i = i + s %}{{ i }} {{ f }} {{ d }} {{ nothing }}")
                        .render(variables))
                .isEqualTo("3 1.5 0.1 None");
        assertThat(variables).isEqualTo(before);
    }

    @Test
    void rendersInManyThreadsAtOnce() throws Exception {
        ChatTemplate template = ChatTemplate.parse(
                "{% set ns = namespace(n=0) %}{% for i in range(1000) %}{% set ns.n = ns.n + i * k %}{% endfor %}{{"
                        + " ns.n }}");
        try (ExecutorService pool = Executors.newFixedThreadPool(4)) {
            List<Callable<String>> tasks = new ArrayList<>();
            for (int k = 0; k < 64; k++) {
                Map<String, Object> variables = Map.of("k", k);
                tasks.add(() -> template.render(variables));
            }
            List<Future<String>> results = pool.invokeAll(tasks);
            for (int k = 0; k < 64; k++) {
                assertThat(results.get(k).get()).isEqualTo(Integer.toString(499_500 * k));
            }
        }
    }

    @Test
    void normalisesLineEndsOfTheTemplate() {
        assertThat(render("a\r\n{% if true %}\r\nb\rc\n{% endif %}\r\n")).isEqualTo("a\nb\nc\n");
    }
}
