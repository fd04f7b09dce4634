/** Opens models in whatever format they come: configuration, weights by role, tokenizer. Everything read is untrusted. */
@NullMarked
package dev.lte.core.source;

import org.jspecify.annotations.NullMarked;
