/** Where the front door leads: loading, choosing a backend, putting a model together. */
@NullMarked
package dev.lte.core;

import org.jspecify.annotations.NullMarked;
