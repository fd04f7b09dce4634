package dev.lte.core.engine;

import dev.lte.backend.DType;
import java.time.Duration;

/**
 * How an engine runs.
 *
 * @param name of the model, for messages and the thread
 * @param contextLength positions that a sequence may take
 * @param promptRows rows of a chunk of a prompt
 * @param maxStreams sequences that hold a slot
 * @param maxQueued sequences that wait for one
 * @param stallTimeout how long a stream may stay without demand
 * @param cacheType of keys and values
 * @param cacheBytes memory for them; at least one context is held whatever it says
 * @param prefixCache whether pages of ended sequences are kept for those that begin alike
 * @param routed whether routers choose experts
 * @param vocabulary how many logits stand for tokens
 */
public record EngineOptions(
        String name,
        int contextLength,
        int promptRows,
        int maxStreams,
        int maxQueued,
        Duration stallTimeout,
        DType cacheType,
        long cacheBytes,
        boolean prefixCache,
        boolean routed,
        int vocabulary) {}
