/** Quantized models on their way into files: which type each tensor gets, and the pass that fills them. */
package org.bitscarp.eval.quantize;
