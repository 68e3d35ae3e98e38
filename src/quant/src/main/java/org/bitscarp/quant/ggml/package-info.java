/** The block types of GGUF files as storage formats. */
package org.bitscarp.quant.ggml;
