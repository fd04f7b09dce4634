package dev.lte.examples.server;

import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/**
 * Turns the events of one answer into what a client gets.
 *
 * @param <E> the events
 */
interface AnswerWriter<E> {
    /** The chunks that an event makes, in a stream; may be none. */
    List<ObjectNode> chunks(E event);

    /** Takes an event of an answer that is sent as a whole. */
    void collect(E event);

    /** The whole answer, once all events were collected. */
    ObjectNode whole();
}
