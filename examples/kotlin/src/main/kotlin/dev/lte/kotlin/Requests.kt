/** Requests and options, described in a lambda whose receiver is the builder. */
@file:JvmName("Requests")

package dev.lte.kotlin

import dev.lte.GenerationRequest
import dev.lte.LoadOptions
import dev.lte.Sampling
import dev.lte.chat.ChatRequest

/** `generationRequest { prompt("Once upon a time"); maxTokens(64) }` */
public fun generationRequest(describe: GenerationRequest.Builder.() -> Unit): GenerationRequest =
    GenerationRequest.of { it.describe() }

/** `chatRequest { system("You are terse."); user("Name a planet.") }` */
public fun chatRequest(describe: ChatRequest.Builder.() -> Unit): ChatRequest = ChatRequest.of { it.describe() }

/** `loadOptions { maxStreams(16) }` */
public fun loadOptions(describe: LoadOptions.Builder.() -> Unit): LoadOptions = LoadOptions.of { it.describe() }

/** [Sampling] with names for what differs from its defaults: `sampling(temperature = 0.6f, seed = 7)`. */
@Suppress("LongParameterList")
public fun sampling(
    temperature: Float = 0.8f,
    seed: Long = 0,
    topK: Int = 0,
    topP: Float = 1f,
    minP: Float = 0f,
    typicalP: Float = 1f,
    repetitionPenalty: Float = 1f,
    frequencyPenalty: Float = 0f,
    presencePenalty: Float = 0f,
): Sampling = Sampling(
    repetitionPenalty,
    frequencyPenalty,
    presencePenalty,
    temperature,
    topK,
    typicalP,
    topP,
    minP,
    seed,
)
