/**
 * A model in this process as the chat models of LangChain4j.
 *
 * <pre>{@code
 * LteChatModel chat = LteChatModel.builder(Lte.load(file)).build();
 * String answer = chat.chat("Name a planet.");
 * }</pre>
 */
@NullMarked
package dev.lte.examples.langchain4j;

import org.jspecify.annotations.NullMarked;
