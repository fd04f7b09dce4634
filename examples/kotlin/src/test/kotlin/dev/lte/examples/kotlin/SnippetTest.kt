package dev.lte.examples.kotlin

import java.nio.file.Path
import kotlin.io.path.readText
import org.assertj.core.api.Assertions.assertThat
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.CsvSource

/** Code in the documents is code of this module: between `// region NAME` and `// endregion`, indentation aside. */
class SnippetTest {
    private val root = Path.of(System.getProperty("lte.root"))
    private val sources = root.resolve("examples/kotlin/src/test")

    @ParameterizedTest
    @CsvSource(
        "README.md, java, java/dev/lte/examples/kotlin/JavaStory.java, readme",
        "README.md, kotlin, kotlin/dev/lte/examples/kotlin/KotlinStory.kt, readme",
        "docs/getting-started.md, java, java/dev/lte/examples/kotlin/JavaStory.java, readme",
        "docs/kotlin.md, kotlin, kotlin/dev/lte/examples/kotlin/KotlinStory.kt, readme",
        "docs/kotlin.md, kotlin, kotlin/dev/lte/examples/kotlin/KotlinStory.kt, events",
        "docs/kotlin.md, kotlin, kotlin/dev/lte/examples/kotlin/KotlinStory.kt, cancel",
    )
    fun isTheCodeOfThisModule(document: String, language: String, source: String, region: String) {
        val text = sources.resolve(source).readText()
        val code = text.substringAfter("// region $region\n").substringBefore("// endregion").trimIndent().trim()

        val blocks = Regex("```$language\n(.*?)```", RegexOption.DOT_MATCHES_ALL)
            .findAll(root.resolve(document).readText())
            .map { it.groupValues[1].trim() }
            .toList()

        assertThat(blocks).contains(code)
    }
}
