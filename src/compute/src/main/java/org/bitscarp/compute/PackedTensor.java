package org.bitscarp.compute;

import org.bitscarp.quant.BlockFormat;

/** A weight matrix {@code [rows, columns]} in its storage format, wherever its backend computes. */
public interface PackedTensor {
    BlockFormat format();

    int rows();

    int columns();
}
