/**
 * A checkpoint on disk becomes lazily mapped tensors, an architecture and a tokenizer.
 */
package org.bitscarp.model;
