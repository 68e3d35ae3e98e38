package org.bitscarp.compute.check;

import java.lang.foreign.Arena;
import java.util.SplittableRandom;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.Grid;
import org.bitscarp.quant.PackedMatrix;

/** Weights to check and time products with. */
public final class RandomWeights {
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
