/** What takes time and ends once, as suspending functions. Cancelling the coroutine stops the model. */
@file:JvmName("Suspending")

package dev.lte.kotlin

import dev.lte.GenerationRequest
import dev.lte.LoadOptions
import dev.lte.Lte
import dev.lte.Model
import dev.lte.chat.ChatEvent
import dev.lte.chat.ChatMessage
import dev.lte.chat.ChatRequest
import java.nio.file.Path
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.flow.fold
import kotlinx.coroutines.reactor.awaitSingle
import kotlinx.coroutines.withContext

/** [Lte.load] on [Dispatchers.IO]. A model that is there when the coroutine has been cancelled is closed again. */
public suspend fun loadModel(file: Path, describe: LoadOptions.Builder.() -> Unit = {}): Model {
    var loaded: Model? = null
    try {
        return withContext(Dispatchers.IO) { Lte.load(file, loadOptions(describe)).also { loaded = it } }
    } catch (e: Throwable) {
        withContext(NonCancellable + Dispatchers.IO) { loaded?.close() }
        throw e
    }
}

/** Loads a model, gives it to [block], and closes it: `withModel(file) { generateText { prompt("Once") } }`. */
public suspend fun <R> withModel(
    file: Path,
    describe: LoadOptions.Builder.() -> Unit = {},
    block: suspend Model.() -> R,
): R {
    val model = loadModel(file, describe)
    try {
        return model.block()
    } finally {
        // Waits for the step that is running.
        withContext(NonCancellable + Dispatchers.IO) { model.close() }
    }
}

/** The whole text of a generation. */
public suspend fun Model.generateText(describe: GenerationRequest.Builder.() -> Unit): String =
    generateFlow(describe).text().fold(StringBuilder(), StringBuilder::append).toString()

/** The end of a chat, with the whole message and all that was measured. */
public suspend fun Model.awaitReply(request: ChatRequest): ChatEvent.Completed = reply(request).awaitSingle()

/** The answer to a conversation: `model.answer { user("Name a planet.") }.text`. */
public suspend fun Model.answer(describe: ChatRequest.Builder.() -> Unit): ChatMessage.Assistant =
    awaitReply(chatRequest(describe)).message()
