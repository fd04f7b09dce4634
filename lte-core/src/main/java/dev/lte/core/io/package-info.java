/** Small files as a whole: bytes of bounded size, JSON with typed access. Everything read is untrusted. */
@NullMarked
package dev.lte.core.io;

import org.jspecify.annotations.NullMarked;
