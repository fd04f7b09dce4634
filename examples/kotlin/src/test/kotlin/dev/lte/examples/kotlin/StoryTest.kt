package dev.lte.examples.kotlin

import dev.lte.Lte
import java.io.ByteArrayOutputStream
import java.io.PrintStream
import java.nio.file.Path
import kotlinx.coroutines.runBlocking
import org.assertj.core.api.Assertions.assertThat
import org.junit.jupiter.api.Test

/** The programs that the documents show, run with the story model. */
class StoryTest {
    private val story = Path.of(System.getProperty("lte.root"), "examples", "models", "tinystories-656k.gguf")

    private fun printed(program: () -> Unit): String {
        val out = System.out
        val captured = ByteArrayOutputStream()
        System.setOut(PrintStream(captured, true, Charsets.UTF_8))
        try {
            program()
        } finally {
            System.setOut(out)
        }
        return captured.toString(Charsets.UTF_8)
    }

    @Test
    fun kotlinAndJavaTellTheSameStory() {
        val kotlin = printed { runBlocking { tell(story) } }
        val java = printed { JavaStory.main(arrayOf(story.toString())) }

        assertThat(kotlin).isEqualTo(java).hasSizeGreaterThan(80)
    }

    @Test
    fun eventsEndWithASummary(): Unit = runBlocking {
        Lte.load(story).use { model ->
            assertThat(storyWithSummary(model, "Once upon a time"))
                .startsWith("Once upon a time")
                .endsWith("[32 tokens, LENGTH]")
        }
    }

    @Test
    fun aFlowThatEndsEarlyCancelsTheGeneration(): Unit = runBlocking {
        Lte.load(story).use { model ->
            assertThat(firstSentence(model, "Once upon a time")).endsWith(".").doesNotContain("\n\n")
            val deadline = System.nanoTime() + 10_000_000_000
            while (model.activeStreams() > 0) {
                assertThat(System.nanoTime()).isLessThan(deadline)
            }
        }
    }
}
