package org.bitscarp.cuda.backend;

import java.lang.foreign.MemorySegment;

/** Launches of the kernels that read packed weights. */
final class PackedKernels {
    /** Weights that a thread decodes. */
    private static final int OCTET = 8;

    private final Launcher launcher;

    PackedKernels(Launcher launcher) {
        this.launcher = launcher;
    }

    /**
     * Decodes packed rows to fp32.
     *
     * @param packed address of the first row; readable up to the next multiple of four bytes behind the last
     * @param rowBytes bytes of a packed row
     */
    void decode(Lane lane, PackedFormat format, long packed, long rowBytes, DeviceTensor target) {
        Call call = call(lane, format).address(packed).address(0).writes(target);
        decode(call, format, rowBytes, target.rows(), target.columns(), DenseType.FP32);
    }

    /** Decodes a whole packed matrix to fp32. */
    void decode(Lane lane, PackedProduct.Weights w, DeviceTensor target) {
        Call call = call(lane, w.format()).reads(w.weights()).address(0).writes(target);
        decode(call, w.format(), w.rowBytes(), w.rows(), w.columns(), DenseType.FP32);
    }

    /** Decodes some rows to any type, into memory of the lane's own: {@code count × columns} values at {@code target}. */
    void decode(Lane lane, PackedProduct.Weights w, int first, int count, DenseType type, long target) {
        Call call = call(lane, w.format()).reads(w.row(first)).address(0).address(target);
        decode(call, w.format(), w.rowBytes(), count, w.columns(), type);
    }

    /** Decodes rows by index to fp32: row i of {@code target} is row {@code rows[i]}. */
    void gather(Lane lane, PackedProduct.Weights w, int[] rows, DeviceTensor target) {
        long index = lane.scratch(4L * rows.length);
        lane.upload(MemorySegment.ofArray(rows), index);
        Call call = call(lane, w.format()).reads(w.weights()).address(index).writes(target);
        decode(call, w.format(), w.rowBytes(), rows.length, w.columns(), DenseType.FP32);
    }

    /** With the packed rows, their index and where they go as the first arguments. */
    private Call call(Lane lane, PackedFormat format) {
        return launcher.call(lane, "decode_" + format.family(), "decode_" + format.word());
    }

    private static void decode(Call call, PackedFormat format, long rowBytes, int rows, int columns, DenseType type) {
        if (rows == 0 || columns == 0) {
            return;
        }
        int octets = octets(format, columns);
        call.integer(type.code)
                .integer(rows)
                .integer(columns)
                .integer(format.length())
                .integer(format.zero())
                .long64(rowBytes)
                .launch(Launcher.rowGrid(octets, rows), Launcher.THREADS);
    }

    /** Pieces of up to eight weights in a row; none reaches across the end of a block. */
    private static int octets(PackedFormat format, int columns) {
        int blocks = Math.ceilDiv(columns, format.length());
        return Math.multiplyExact(blocks, Math.ceilDiv(format.length(), OCTET));
    }
}
