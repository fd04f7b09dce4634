package dev.lte.core.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lte.InvalidRequestException;
import dev.lte.LteException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Byte for byte what the reference renders. {@code -Dlte.templates=FILE} takes the templates of the first test from
 * another file of the same form.
 */
class ChatTemplateGoldenTest {
    @TestFactory
    Stream<DynamicTest> rendersTheTemplatesOfKnownModels() {
        String file = System.getProperty("lte.templates");
        Map<String, Object> golden = file == null ? Goldens.json("golden.json") : Goldens.json(Path.of(file));
        return Goldens.cases(golden).stream()
                .map(c -> DynamicTest.dynamicTest(String.valueOf(c.get("name")), () -> {
                    Map<String, Object> variables = new HashMap<>();
                    variables.put("messages", golden.get("messages"));
                    variables.put("add_generation_prompt", golden.get("add_generation_prompt"));
                    variables.put("bos_token", c.get("bos_token"));
                    variables.put("eos_token", c.get("eos_token"));
                    String source = (String) c.get("template");
                    if (c.get("jinja2_error") instanceof String message) {
                        assertThatThrownBy(() -> ChatTemplate.parse(source).render(variables))
                                .isInstanceOf(InvalidRequestException.class)
                                .hasMessageContaining(message);
                    } else {
                        Object expected = Boolean.TRUE.equals(c.get("jinja2_agrees"))
                                ? c.get("expected_jinja")
                                : c.get("jinja2_result");
                        assertThat(ChatTemplate.parse(source).render(variables)).isEqualTo(expected);
                    }
                }));
    }

    @TestFactory
    Stream<DynamicTest> rendersToolsAndTurnsWithPublishedTemplates() {
        Map<String, Object> golden = Goldens.json("rendered.json");
        Map<String, Object> conversations = Goldens.object(golden, "conversations");
        return Goldens.TEMPLATES.stream()
                .map(name -> DynamicTest.dynamicTest(name, () -> {
                    ChatTemplate template = ChatTemplate.parse(Goldens.template(name), Goldens.CLOCK);
                    int checked = 0;
                    for (Map<String, Object> c : Goldens.cases(golden)) {
                        if (c.get("template").equals(name + ".jinja")) {
                            String conversation = (String) c.get("conversation");
                            check(conversation, () -> template.render(Goldens.object(conversations, conversation)), c);
                            checked++;
                        }
                    }
                    assertThat(checked).isEqualTo(conversations.size());
                }));
    }

    @TestFactory
    Stream<DynamicTest> computesWhatPythonComputes() {
        Map<String, Object> golden = Goldens.json("semantics.json");
        Map<String, Object> variables = Goldens.object(golden, "variables");
        List<DynamicTest> tests = new ArrayList<>();
        for (Map<String, Object> c : Goldens.cases(golden)) {
            String source = (String) c.get("template");
            tests.add(DynamicTest.dynamicTest(
                    source,
                    () -> check(
                            source,
                            () -> ChatTemplate.parse(source, Goldens.CLOCK).render(variables),
                            c)));
        }
        return tests.stream();
    }

    private interface Rendering {
        String render();
    }

    private static void check(String what, Rendering rendering, Map<String, Object> golden) {
        if (golden.containsKey("expected")) {
            assertThat(rendering.render()).as(what).isEqualTo(golden.get("expected"));
        } else {
            assertThatThrownBy(rendering::render)
                    .as("%s, where the reference raises %s", what, golden.get("error"))
                    .isInstanceOf(LteException.class);
        }
    }
}
