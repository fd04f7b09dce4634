package dev.lte.kotlin

import dev.lte.Completed
import dev.lte.GenerationListener
import dev.lte.InvalidRequestException
import dev.lte.Model
import dev.lte.TextDelta
import dev.lte.chat.ChatEvent
import java.nio.file.Path
import java.time.Duration
import java.util.concurrent.atomic.AtomicInteger
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.take
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.runTest
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeout
import org.assertj.core.api.Assertions.assertThat
import org.junit.jupiter.api.Test

/** Flows with the story model: pace, loss and cancellation. */
class FlowsTest {
    private val story = Path.of(System.getProperty("lte.root"), "examples", "models", "tinystories-656k.gguf")
    private val generated = AtomicInteger()

    private val counting = GenerationListener { _, _, _ ->
        object : GenerationListener.Observer {
            override fun token(sinceLast: Duration) {
                generated.incrementAndGet()
            }
        }
    }

    private suspend fun <R> model(block: suspend Model.() -> R): R = withModel(
        story,
        {
            listener(counting)
            chatTemplate("{% for m in messages %}{{ m.content }}\n{% endfor %}")
        },
        block,
    )

    private suspend fun Model.awaitIdle() = withContext(Dispatchers.Default) {
        withTimeout(10.seconds) { while (activeStreams() > 0) delay(1) }
    }

    @Test
    fun aSlowCollectorLosesNothing() = runTest {
        model {
            val events = chatFlow {
                user("Once upon a time")
                maxTokens(80)
                ignoreEndOfText(true)
                sampling(sampling(seed = 3))
            }
            val read = mutableListOf<ChatEvent>()
            events.collect {
                withContext(Dispatchers.Default) { delay(2) }
                read += it
                // One event that waits, and the step that was running when it was asked for.
                assertThat(generated.get()).isLessThanOrEqualTo(read.size + 2)
            }
            val completed = read.last() as ChatEvent.Completed
            assertThat(completed.usage.generatedTokens()).isEqualTo(80)
            assertThat(read.filterIsInstance<ChatEvent.TextDelta>().joinToString("") { it.text })
                .isEqualTo(completed.message().text())
        }
    }

    @Test
    fun theModelMayRunAheadAsFarAsAsked() = runTest {
        model {
            val events = generate(
                generationRequest {
                    prompt("Once")
                    maxTokens(60)
                    ignoreEndOfText(true)
                },
            ).asPacedFlow(ahead = 8)
            val read = AtomicInteger()
            events.collect {
                withContext(Dispatchers.Default) { delay(2) }
                assertThat(generated.get()).isLessThanOrEqualTo(read.incrementAndGet() + 8 + 2)
            }
            assertThat(read.get()).isEqualTo(61)
        }
    }

    @Test
    fun cancellingTheCollectorStopsTheModelWithinAStep() = runTest {
        model {
            val begun = CompletableDeferred<Unit>()
            val job = launch(Dispatchers.Default) {
                generateFlow {
                    prompt("Once upon a time")
                    maxTokens(400)
                    ignoreEndOfText(true)
                }.collect {
                    begun.complete(Unit)
                    awaitCancellation()
                }
            }
            begun.await()
            job.cancelAndJoin()
            awaitIdle()
            assertThat(generated.get()).isLessThanOrEqualTo(3)
            assertThat(status().freePages() + status().reusablePages()).isEqualTo(status().cachePages())
        }
    }

    @Test
    fun aFlowThatEndsEarlyStopsTheModel() = runTest {
        model {
            val events = generateFlow {
                prompt("Once upon a time")
                maxTokens(400)
                ignoreEndOfText(true)
            }.take(5).toList()
            awaitIdle()
            assertThat(events).hasSize(5)
            assertThat(generated.get()).isLessThanOrEqualTo(7)
        }
    }

    @Test
    fun anErrorIsThrownWhereTheFlowIsCollected() = runTest {
        model {
            val caught = runCatching { chatFlow { }.first() }.exceptionOrNull()
            assertThat(caught).isInstanceOf(InvalidRequestException::class.java)
        }
    }

    @Test
    fun textsAndSuspendingFunctionsAgreeWithTheEvents() = runTest {
        model {
            val events = generateFlow {
                prompt("Once upon a time")
                maxTokens(20)
                sampling(sampling(temperature = 0f))
            }.toList()
            val text = generateText {
                prompt("Once upon a time")
                maxTokens(20)
                sampling(sampling(temperature = 0f))
            }
            assertThat(events.last()).isInstanceOf(Completed::class.java)
            assertThat(text).isNotEmpty().isEqualTo(events.filterIsInstance<TextDelta>().joinToString("") { it.text })

            val answer = answer {
                user("Once upon a time")
                maxTokens(20)
            }
            val parts = chatFlow {
                user("Once upon a time")
                maxTokens(20)
            }.text().toList()
            assertThat(parts).isNotEmpty().doesNotContain("")
            assertThat(answer.text()).isEqualTo(parts.joinToString(""))
        }
    }

    @Test
    fun aSessionKeepsWhatWasAnswered() = runTest {
        model {
            val session = openSession()
            session.chatFlow {
                user("Once upon a time")
                maxTokens(8)
            }.collect {}
            assertThat(session.messages()).hasSize(2)
            session.chatFlow { user("And then") }.take(2).toList()
            awaitIdle()
            assertThat(session.messages()).hasSize(2)
        }
    }
}
