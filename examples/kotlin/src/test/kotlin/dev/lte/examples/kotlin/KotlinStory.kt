package dev.lte.examples.kotlin

import dev.lte.Completed
import dev.lte.GenerationRequest
import dev.lte.Lte
import dev.lte.Model
import dev.lte.Sampling
import dev.lte.TextDelta
import java.nio.file.Path
import kotlinx.coroutines.flow.filterIsInstance
import kotlinx.coroutines.flow.takeWhile
import kotlinx.coroutines.reactive.asFlow
import kotlinx.coroutines.runBlocking

/** Prints a story as it is generated: `KotlinStoryKt MODEL`. */
fun main(args: Array<String>) = runBlocking { tell(Path.of(args[0])) }

suspend fun tell(file: Path) {
    // region readme
    Lte.load(file).use { model ->
        model.generate(GenerationRequest.of { it.prompt("Once upon a time").maxTokens(64) })
            .asFlow()
            .filterIsInstance<TextDelta>()
            .collect { print(it.text) }
    }
    // endregion
}

/** Every event has a type; `when` needs no `else`, because the compiler knows them all. */
suspend fun storyWithSummary(model: Model, prompt: String): String {
    val story = StringBuilder(prompt)
    // region events
    model.generate(GenerationRequest.of { it.prompt(prompt).maxTokens(32).sampling(Sampling.greedy()) })
        .asFlow()
        .collect { event ->
            when (event) {
                is TextDelta -> story.append(event.text)
                is Completed -> story.append(" [${event.usage.generatedTokens} tokens, ${event.finishReason}]")
            }
        }
    // endregion
    return story.toString()
}

/** Cancelling the flow cancels the generation: the model stops within one step and frees the memory of the stream. */
suspend fun firstSentence(model: Model, prompt: String): String {
    val sentence = StringBuilder()
    // region cancel
    model.generate(GenerationRequest.of { it.prompt(prompt).sampling(Sampling.greedy()) })
        .asFlow()
        .filterIsInstance<TextDelta>()
        .takeWhile { !sentence.contains('.') }
        .collect { sentence.append(it.text) }
    // endregion
    return sentence.toString().substringBefore('.') + "."
}
