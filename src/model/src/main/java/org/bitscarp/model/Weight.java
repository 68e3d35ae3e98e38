package org.bitscarp.model;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import org.bitscarp.quant.StoredFormat;

/**
 * One weight of a model in the shape that the forward pass wants it, whatever a file makes of it: a tensor as it is, rows
 * of a fused one, a transposed one, the experts of a layer stacked, or a quantized matrix spread over several tensors.
 * Nothing is read before {@link #read}. Safe for use by several threads.
 */
public interface Weight {
    /** For messages: the tensor in the file, or the first of several. */
    String name();

    /** {@code [out, in]} for a matrix, {@code [n]} for a vector. */
    List<Long> shape();

    /** How the values are stored, as reports print it: {@code FP16}, {@code q4_k}, {@code int4:g128:sym}. */
    String formatName();

    /** Bytes on disk, scales and the like included. */
    long byteSize();

    /**
     * Decodes rows into native-order floats. A vector is one row.
     *
     * @param offset first byte in {@code target}
     */
    void read(long firstRow, long rows, MemorySegment target, long offset) throws IOException;

    /**
     * Rows as they lie in the file, where {@link #read} would only copy them: fp32 in native order, aligned, row after row.
     *
     * @param arena that the mapping lives as long as
     * @return empty where values have to be decoded, put in order or put together
     */
    default Optional<MemorySegment> mapped(long firstRow, long rows, Arena arena) throws IOException {
        return Optional.empty();
    }

    /** The format in which {@link #copy} hands out rows; empty where values can only be read as floats. */
    Optional<StoredFormat> format();

    /**
     * Copies rows as they are stored, without decoding: bytes of {@link #format}.
     *
     * @throws IllegalStateException where there is no such format
     */
    void copy(long firstRow, long rows, MemorySegment target, long offset) throws IOException;

    /** The stored tensor that this is, row for row; empty for a part, a permutation or a composition. */
    default Optional<TensorInfo> tensor() {
        return Optional.empty();
    }

    /** Number of values. */
    default long size() {
        return shape().stream().reduce(1L, Math::multiplyExact);
    }

    /** Rows that {@link #read} counts in: the first dimension, or 1 for a vector. */
    default long rows() {
        return shape().size() < 2 ? 1 : shape().getFirst();
    }

    /** Values of a row. */
    default long columns() {
        return shape().getLast();
    }

    /** Bits on disk per value. */
    default double bitsPerValue() {
        return 8.0 * byteSize() / Math.max(1, size());
    }
}
