/** Tests of chat templates. */
@NullMarked
package dev.lte.core.chat;

import org.jspecify.annotations.NullMarked;
