package org.bitscarp.compute.check;

import java.lang.foreign.Arena;
import java.util.List;
import java.util.SplittableRandom;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.Grid;
import org.bitscarp.quant.PackedMatrix;

/** Weights to check and time products with. */
public final class RandomWeights {
    /** Packed formats of every kind, with odd groups among them, as a level names them. */
    public static final List<String> FORMATS = List.of(
            "int2",
            "int3:sym",
            "int3:g5",
            "int4",
            "int4:g32",
            "int4:sym",
            "int5:row",
            "int6:g64",
            "int7",
            "int8:sym",
            "nf4",
            "nf4:row",
            "ternary",
            "ternary:g8",
            "q4_0",
            "q4_1",
            "q5_0",
            "q5_1",
            "q8_0",
            "q2_0",
            "q1_0",
            "iq4_nl",
            "iq4_xs",
            "mxfp4",
            "nvfp4",
            "tq1_0",
            "tq2_0",
            "q2_k",
            "q3_k",
            "q4_k",
            "q5_k",
            "q6_k");

    private RandomWeights() {}

    /** Uniform in [-1, 1), packed as a level packs them: rows × columns. */
    public static PackedMatrix packed(BlockFormat format, int rows, int columns, SplittableRandom random, Arena arena) {
        PackedMatrix packed = PackedMatrix.allocate(format, rows, columns, arena);
        for (int row = 0; row < rows; row++) {
            long offset = row * format.rowBytes(columns);
            for (int at = 0; at < columns; at += format.blockLength(columns)) {
                int length = Math.min(format.blockLength(columns), columns - at);
                float[] w = new float[length];
                for (int i = 0; i < length; i++) {
                    w[i] = (float) (2 * random.nextDouble() - 1);
                }
                Grid grid = format.fit(w, 0, length);
                int[] codes = new int[length];
                grid.nearest(w, 0, length, codes);
                format.encode(grid, codes, length, packed.bytes(), offset);
                offset += format.blockBytes(length);
            }
        }
        return packed;
    }
}
