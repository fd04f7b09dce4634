/** What a model is: its configuration, where its weights come from, and how its layers are put together. */
@NullMarked
package dev.lte.core.arch;

import org.jspecify.annotations.NullMarked;
