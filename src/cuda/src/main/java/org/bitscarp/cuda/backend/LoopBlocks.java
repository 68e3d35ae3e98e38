package org.bitscarp.cuda.backend;

import org.bitscarp.quant.BlockFormat;

/** Rows whose grids and codes error feedback is choosing, with the kernels that know their format. In memory of the lane. */
interface LoopBlocks {
    BlockFormat format();

    int rows();

    /** Weights in a row. */
    int columns();

    /** Address of a grid for each block of each row. */
    long grids();

    /** Address of a byte for each weight. */
    long codes();

    /** Weights in a full block. */
    default int length() {
        return format().blockLength(columns());
    }

    /** Blocks in a row. */
    default int blocks() {
        return Math.ceilDiv(columns(), length());
    }

    /** Fits blocks {@code [from, from + count)} of each row to finite weights, [rows, columns] at an address. */
    void fit(Lane lane, long weights, int from, int count);

    /** The kernel that rounds columns to grids that are there; takes what {@code roundColumns} does. */
    Call rounding(Lane lane);

    /** Adds the arguments of that kernel that are its own. */
    default Call own(Call call) {
        return call;
    }

    /** Writes grids and codes as they are stored, to {@code rows × format.rowBytes(columns)} bytes. */
    void pack(Lane lane, long packed);
}
