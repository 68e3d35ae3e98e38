package org.bitscarp.eval.engine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Noise of the size of rounding, injected into the residual stream after every layer: what another machine, another order of
 * summation or a 16-bit type would do to the same weights. A level whose figures are no worse than this has lost nothing
 * that can be seen. (The idea is exllamav3's, eval/qbench.)
 *
 * <p>Each value is multiplied by 1 + u, u uniform in ±{@link #scale}. It depends on seed, layer, row and column alone.
 *
 * @param scale 2⁻⁹ for bf16: its 8 significant bits round by at most that
 * @param seed of the noise
 */
public record RoundingNoise(double scale, long seed) {
    /** The unit roundoff of bf16. */
    public static final double BF16 = 0x1p-9;

    /** Of SplitMix64 (Steele et al. 2014): an odd number close to 2⁶⁴ over the golden ratio. */
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    /**
     * @param x [rows, hidden] native-order floats
     * @param firstRow number of the first row among all rows
     */
    void disturb(MemorySegment x, int layer, int firstRow, int rows, int hidden) {
        long counter = mix(mix(seed) + layer) + (long) firstRow * hidden * GOLDEN;
        for (long i = 0; i < (long) rows * hidden; i++) {
            double unit = (mix(counter + i * GOLDEN) >> 11) * 0x1p-52;
            float value = x.getAtIndex(ValueLayout.JAVA_FLOAT, i);
            x.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) (value * (1 + scale * unit)));
        }
    }

    /** SplitMix64's finalizer: Stafford's variant 13 of MurmurHash3's. */
    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
