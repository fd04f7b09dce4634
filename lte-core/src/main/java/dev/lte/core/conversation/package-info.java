/**
 * What lies between messages and tokens: {@code PromptWriter} turns a request into a prompt, {@code ReplyParser} turns the text
 * of a reply into answer, reasoning and tool calls. How a model marks the latter is read off its chat template ({@code
 * ReplyFormat}), never off its name.
 */
@NullMarked
package dev.lte.core.conversation;

import org.jspecify.annotations.NullMarked;
