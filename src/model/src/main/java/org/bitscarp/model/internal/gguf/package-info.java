/**
 * GGUF, the container of llama.cpp
 * (<a href="https://github.com/ggml-org/ggml/blob/master/docs/gguf.md">specification</a>).
 */
package org.bitscarp.model.internal.gguf;
