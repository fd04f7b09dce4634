package dev.lte.core.schema;

/**
 * A JSON value between two texts, such as a tool's arguments in what a template family puts around a call. The texts may write
 * out special tokens.
 *
 * @param begin such as {@code <tool_call>} and a begin of JSON
 * @param schema of the value
 * @param end such as {@code }</tool_call>}
 */
public record TaggedSchema(String begin, String schema, String end) {}
