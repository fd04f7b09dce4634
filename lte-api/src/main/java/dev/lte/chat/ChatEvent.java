package dev.lte.chat;

import dev.lte.FinishReason;
import dev.lte.SparsityReport;
import dev.lte.Timings;
import dev.lte.TokenLogProbability;
import dev.lte.Usage;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a chat emits: any number of deltas, none without content, then one {@link Completed}. Joined, the texts of the deltas are
 * the {@link Completed#message}.
 */
public sealed interface ChatEvent {
    /** A part of the answer, of the reasoning or of a tool call. */
    sealed interface Delta extends ChatEvent {
        /**
         * If they were asked for: of the tokens generated since the delta before, which are not always those of this text, as
         * text may be held back; else empty.
         */
        List<TokenLogProbability> logProbabilities();
    }

    /**
     * More of the answer.
     *
     * @param text whole characters; empty only where log-probabilities are all that is left to tell
     */
    record TextDelta(String text, List<TokenLogProbability> logProbabilities) implements Delta {
        public TextDelta {
            logProbabilities = List.copyOf(logProbabilities);
        }
    }

    /** More of what the model thinks before it answers. */
    record ReasoningDelta(String text, List<TokenLogProbability> logProbabilities) implements Delta {
        public ReasoningDelta {
            logProbabilities = List.copyOf(logProbabilities);
        }
    }

    /**
     * More of a tool call.
     *
     * @param index of the call in the message, from 0
     * @param id in the first delta of a call, else null
     * @param name in the first delta of a call, else null
     * @param arguments more of the JSON text; may be empty in the first delta
     */
    record ToolCallDelta(
            int index,
            @Nullable String id,
            @Nullable String name,
            String arguments,
            List<TokenLogProbability> logProbabilities)
            implements Delta {
        public ToolCallDelta {
            logProbabilities = List.copyOf(logProbabilities);
        }
    }

    /**
     * The end.
     *
     * @param message the whole answer, to be appended to the conversation; a tool call that was cut off is not part of it
     * @param finishReason why it ended
     * @param stopString the stop string that was found, or null
     * @param usage tokens, those found in the cache and those of the reasoning among them
     * @param sparsity measured over all tokens that were computed; tokens found in the cache were not
     */
    record Completed(
            ChatMessage.Assistant message,
            FinishReason finishReason,
            @Nullable String stopString,
            Usage usage,
            Timings timings,
            SparsityReport sparsity)
            implements ChatEvent {}
}
