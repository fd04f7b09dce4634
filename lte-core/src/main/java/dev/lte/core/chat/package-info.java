/**
 * Chat templates: the Jinja programs that model files carry to turn messages into a prompt, rendered as the reference
 * (Python's jinja2 in a sandbox, with the settings that Hugging Face uses) renders them.
 *
 * <p>Reading order: {@link dev.lte.core.chat.ChatTemplate}, {@code Lexer}, {@code Parser} to {@code Stmt} and
 * {@code Expr}, {@code Interpreter}, {@code Evaluator}, then the values with Python's semantics ({@code Py*}).
 */
@NullMarked
package dev.lte.core.chat;

import org.jspecify.annotations.NullMarked;
