/**
 * A model in this process as the {@code ChatModel} of Spring AI.
 *
 * <pre>{@code
 * ChatModel chat = LteChatModel.builder(Lte.load(file)).build();
 * String answer = ChatClient.create(chat).prompt("Name a planet.").call().content();
 * }</pre>
 */
@NullMarked
package dev.lte.examples.springai;

import org.jspecify.annotations.NullMarked;
