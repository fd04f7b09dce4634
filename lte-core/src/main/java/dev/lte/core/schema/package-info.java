/**
 * Structured output, enforced token by token: a JSON schema becomes rules over bytes, a pushdown automaton runs them, and a
 * vocabulary as a trie tells which tokens keep the text valid. {@link dev.lte.core.schema.ConstraintCompiler} is the way in.
 */
@NullMarked
package dev.lte.core.schema;

import org.jspecify.annotations.NullMarked;
