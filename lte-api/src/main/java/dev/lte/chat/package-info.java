/**
 * Conversations: messages in, typed events out. A {@link dev.lte.chat.ChatRequest} stands for itself and carries the whole
 * conversation; a {@link dev.lte.chat.ChatSession} keeps one.
 *
 * <pre>{@code
 * model.chat(ChatRequest.of(c -> c.system("You are terse.").user("Name a planet.").maxTokens(32)))
 *         .subscribe(event -> {
 *             switch (event) {
 *                 case ChatEvent.TextDelta text -> System.out.print(text.text());
 *                 case ChatEvent.ReasoningDelta thought -> {}
 *                 case ChatEvent.ToolCallDelta call -> {}
 *                 case ChatEvent.Completed done -> System.out.println(done.usage());
 *             }
 *         });
 * }</pre>
 */
@NullMarked
package dev.lte.chat;

import org.jspecify.annotations.NullMarked;
