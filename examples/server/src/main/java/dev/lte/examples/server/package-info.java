/**
 * An HTTP server that speaks OpenAI's protocol for one loaded model, on Reactor Netty, and a web page to chat in. {@link
 * dev.lte.examples.server.LteServer} is the way in.
 */
@NullMarked
package dev.lte.examples.server;

import org.jspecify.annotations.NullMarked;
