/**
 * Event streams as flows. A flow is cold; its collector sets the pace, one event at a time, so that nothing is dropped and nothing
 * piles up; a collector that ends, fails or is cancelled stops the model within one step and frees the memory of the stream. The
 * collector runs in its own coroutine context, never on the model's thread.
 */
@file:JvmName("Flows")

package dev.lte.kotlin

import dev.lte.GenerationEvent
import dev.lte.GenerationRequest
import dev.lte.Model
import dev.lte.TextDelta
import dev.lte.chat.ChatEvent
import dev.lte.chat.ChatRequest
import dev.lte.chat.ChatSession
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.buffer
import kotlinx.coroutines.flow.mapNotNull
import kotlinx.coroutines.reactive.asFlow
import org.reactivestreams.Publisher

/**
 * The events of a generation or a chat.
 *
 * @param ahead how many events the model may be ahead of the collector, from 0: more hides the time that collector and model wait
 *     for each other, and is work done in vain when the collector leaves
 */
public fun <E : Any> Publisher<E>.asPacedFlow(ahead: Int = 0): Flow<E> {
    require(ahead >= 0) { "expected 0 or more events ahead, found $ahead" }
    // Fused with asFlow, whose demand is then this, and not 64 at once.
    return asFlow().buffer(if (ahead == 0) Channel.RENDEZVOUS else ahead)
}

/** [Model.generate] as a flow. */
public fun Model.generateFlow(request: GenerationRequest): Flow<GenerationEvent> = generate(request).asPacedFlow()

/** `model.generateFlow { prompt("Once upon a time"); maxTokens(64) }` */
public fun Model.generateFlow(describe: GenerationRequest.Builder.() -> Unit): Flow<GenerationEvent> =
    generateFlow(generationRequest(describe))

/** [Model.chat] as a flow. */
public fun Model.chatFlow(request: ChatRequest): Flow<ChatEvent> = chat(request).asPacedFlow()

/** `model.chatFlow { user("Name a planet.") }` */
public fun Model.chatFlow(describe: ChatRequest.Builder.() -> Unit): Flow<ChatEvent> = chatFlow(chatRequest(describe))

/** [ChatSession.chat] as a flow: the answer is part of the session when the flow has ended, not if it was cancelled. */
public fun ChatSession.chatFlow(describe: ChatRequest.Builder.() -> Unit): Flow<ChatEvent> =
    chat { it.describe() }.asPacedFlow()

/** The text of a generation as it comes; no part is empty. */
@JvmName("generatedText")
public fun Flow<GenerationEvent>.text(): Flow<String> =
    mapNotNull { event -> (event as? TextDelta)?.text?.ifEmpty { null } }

/** The text of an answer as it comes, without reasoning and tool calls; no part is empty. */
@JvmName("answerText")
public fun Flow<ChatEvent>.text(): Flow<String> =
    mapNotNull { event -> (event as? ChatEvent.TextDelta)?.text?.ifEmpty { null } }
