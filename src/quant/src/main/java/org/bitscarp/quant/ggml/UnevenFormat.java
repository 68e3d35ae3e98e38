package org.bitscarp.quant.ggml;

import java.util.List;
import org.bitscarp.quant.Grid;
import org.bitscarp.quant.HalfScale;
import org.bitscarp.quant.Lanes;
import org.bitscarp.quant.ScaleError;

/**
 * Four-bit codes for sixteen unevenly spaced levels: {@code iq4_nl} with an FP16 scale for 32 weights, {@code iq4_xs}
 * with an FP16 super-scale for 256 and six bits of scale for each 32.
 */
final class UnevenFormat extends GgmlFormat {
    /** The levels; the values are part of the GGUF format ({@code kvalues_iq4nl}). */
    private static final float[] LEVELS = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

    private static final int LOWEST = -127;
    private static final int HIGHEST = 113;
    /** The nearest level's index for twice each number, rounded down, from 2 × LOWEST on: middles are half integers. */
    private static final byte[] NEAREST = new byte[2 * (HIGHEST - LOWEST) + 1];

    static {
        int level = 0;
        for (int i = 0; i < NEAREST.length; i++) {
            float x = LOWEST + i / 2f;
            while (level + 1 < LEVELS.length && x - LEVELS[level] >= LEVELS[level + 1] - x) {
                level++;
            }
            NEAREST[i] = (byte) level;
        }
    }

    /** The level itself. */
    private static final float[] NEAREST_LEVEL = new float[NEAREST.length];

    static {
        for (int i = 0; i < NEAREST.length; i++) {
            NEAREST_LEVEL[i] = LEVELS[NEAREST[i]];
        }
    }

    static final UnevenLanes LANES = new UnevenLanes(NEAREST_LEVEL, LOWEST, HIGHEST);

    private static final int SUB_LENGTH = 32;
    /** Scales tried on either side. */
    private static final int TRIALS = 7;

    private final int subBlocks;

    private UnevenFormat(int id, String name, int subBlocks, int bytes, int codesAt) {
        super(id, name, SUB_LENGTH * subBlocks, bytes, List.of(new Plane(codesAt, 4, 16, 0)));
        this.subBlocks = subBlocks;
    }

    /** Bytes: scale, 32 codes whose halves share bytes. */
    static UnevenFormat single() {
        return new UnevenFormat(20, "iq4_nl", 1, 2 + 16, 2);
    }

    /**
     * Bytes: super-scale, the upper two bits of the eight scales (16-bit number), their low four (two to a byte), codes
     * as in iq4_nl for each 32. Scale code 32 is zero.
     */
    static UnevenFormat superBlock() {
        return new UnevenFormat(23, "iq4_xs", 8, 2 + 2 + 4 + 128, 8);
    }

    /** The nearest level's index; in the middle of two the upper one. NaN counts as 0. */
    static int nearestLevel(float steps) {
        float twice = 2 * Math.max(LOWEST, Math.min(HIGHEST, steps == steps ? steps : 0));
        int below = (int) twice;
        return NEAREST[below - (twice < below ? 1 : 0) - 2 * LOWEST];
    }

    /** @param inverse 1 / scale of each sub-block before rounding to FP16, or 0 */
    private LevelGrid grid(float[] scale, int[] scaleCodes, float superScale, float[] inverse) {
        return new Uneven(scale, scaleCodes, superScale, inverse);
    }

    private static final class Uneven extends LevelGrid {
        private final float superScale;
        private final float[] inverse;

        Uneven(float[] scale, int[] scaleCodes, float superScale, float[] inverse) {
            super(LEVELS, SUB_LENGTH, scale, scaleCodes);
            this.superScale = superScale;
            this.inverse = inverse;
        }

        @Override
        public void nearest(float[] w, int from, int length, int[] codes) {
            for (int i = 0; i < length; i++) {
                codes[i] = nearestLevel(w[from + i] * inverse[i / SUB_LENGTH]);
            }
        }

        @Override
        public int nearest(int position, float weight) {
            return nearestLevel(weight * inverse[position / SUB_LENGTH]);
        }
    }

    @Override
    GgmlGrid read(byte[] block) {
        float d = Bytes.half(block, 0);
        if (subBlocks == 1) {
            return single(d, d);
        }
        int high = Bytes.unsignedShort(block, 2);
        float[] scale = new float[subBlocks];
        int[] codes = new int[subBlocks];
        for (int sub = 0; sub < subBlocks; sub++) {
            int low = block[4 + sub / 2] >> 4 * (sub % 2) & 15;
            codes[sub] = (low | (high >> 2 * sub & 3) << 4) - 32;
            scale[sub] = d * codes[sub];
        }
        return grid(scale, codes, d, inverses(scale));
    }

    private LevelGrid single(float stored, float exact) {
        return grid(new float[] {stored}, null, stored, inverses(new float[] {exact}));
    }

    private static float[] inverses(float[] scales) {
        float[] inverse = new float[scales.length];
        for (int i = 0; i < inverse.length; i++) {
            inverse[i] = scales[i] != 0 ? 1 / scales[i] : 0;
        }
        return inverse;
    }

    @Override
    void write(GgmlGrid grid, byte[] block) {
        Uneven parameters = (Uneven) grid;
        Bytes.putHalf(block, 0, parameters.superScale);
        if (subBlocks == 1) {
            return;
        }
        int high = 0;
        for (int sub = 0; sub < subBlocks; sub++) {
            int code = parameters.scaleCodes[sub] + 32;
            block[4 + sub / 2] |= (byte) ((code & 15) << 4 * (sub % 2));
            high |= code >> 4 << 2 * sub;
        }
        Bytes.putShort(block, 2, high);
    }

    /** Sub-blocks weighted by x². */
    @Override
    GgmlGrid fit(float[] x) {
        float[] squares = new float[x.length];
        for (int i = 0; i < x.length; i++) {
            squares[i] = x[i] * x[i];
        }
        return fit(x, squares);
    }

    /** The reference quantizer's grid under an importance matrix. */
    GgmlGrid weighted(float[] x, float[] importance) {
        float variance = 2 * ScaleFit.squares(x, 0, x.length) / x.length;
        return fit(x, ScaleFit.spread(x, 0, x.length, importance, variance));
    }

    private GgmlGrid fit(float[] x, float[] weights) {
        float[] scales = new float[subBlocks];
        float largest = 0;
        for (int sub = 0; sub < subBlocks; sub++) {
            scales[sub] = scale(x, sub * SUB_LENGTH, weights);
            largest = Math.abs(scales[sub]) > Math.abs(largest) ? scales[sub] : largest;
        }
        if (subBlocks == 1) {
            return single(HalfScale.round(scales[0]), scales[0]);
        }
        float exact = -largest / 32;
        float stored = HalfScale.round(exact);
        float inverse = exact != 0 ? 1 / exact : 0;
        int[] codes = new int[subBlocks];
        float[] scale = new float[subBlocks];
        for (int sub = 0; sub < subBlocks; sub++) {
            codes[sub] = AffineGrid.round(inverse * scales[sub], -32, 31);
            scale[sub] = stored * codes[sub];
            // The codes of weights are chosen with the super-scale from before rounding.
            scales[sub] = exact * codes[sub];
        }
        return grid(scale, codes, stored, inverses(scales));
    }

    /** The best of sixteen least-squares scales around those that put the largest weight on the lowest level. */
    private static float scale(float[] x, int from, float[] weights) {
        float peak = ScaleFit.peak(x, from, SUB_LENGTH);
        if (Math.abs(peak) < ScaleFit.ZERO) {
            return 0;
        }
        float[] inverse = new float[2 * TRIALS + 2];
        inverse[0] = 1 / (-peak / LOWEST);
        for (int trial = -TRIALS; trial <= TRIALS; trial++) {
            inverse[trial + TRIALS + 1] = (trial + LOWEST) / peak;
        }
        float[] products = new float[inverse.length];
        float[] squares = new float[inverse.length];
        if (Lanes.FAST) {
            LANES.sums(x, weights, from, SUB_LENGTH, inverse, products, squares);
        } else {
            sums(x, weights, from, inverse, products, squares);
        }
        float scale = 0;
        float best = 0;
        for (int c = 0; c < inverse.length; c++) {
            if (c == 0 || (squares[c] > 0 && products[c] * products[c] > best * squares[c])) {
                scale = squares[c] > 0 ? products[c] / squares[c] : 0;
                best = scale * products[c];
            }
        }
        return scale;
    }

    /** The specification of {@link UnevenLanes#sums}. */
    static void sums(float[] x, float[] weights, int from, float[] inverse, float[] products, float[] squares) {
        for (int c = 0; c < inverse.length; c++) {
            for (int i = from; i < from + SUB_LENGTH; i++) {
                float level = LEVELS[nearestLevel(inverse[c] * x[i])];
                products[c] += weights[i] * level * x[i];
                squares[c] += weights[i] * level * level;
            }
        }
    }

    @Override
    GgmlGrid search(float[] x, float[] importance) {
        GgmlGrid best = GgmlGrid.better(fit(x, importance), weighted(x, importance), x, importance);
        if (subBlocks > 1) {
            return best;
        }
        ScaleSearch search = new ScaleSearch(-LOWEST) {
            @Override
            void levels(float[] x, float inverse, float[] levels) {
                for (int i = 0; i < x.length; i++) {
                    levels[i] = LEVELS[nearestLevel(x[i] * inverse)];
                }
            }
        };
        float scale = search.best(x, importance);
        return GgmlGrid.better(best, single(scale, scale), x, importance);
    }

    @Override
    public boolean refits() {
        return true;
    }

    @Override
    GgmlGrid refit(GgmlGrid grid, int part, ScaleError error) {
        if (subBlocks == 1) {
            float scale = refittedHalf(grid.scale[0], error);
            return scale == 0 ? grid : single(scale, scale);
        }
        Uneven now = (Uneven) grid;
        int code = KFormat.refitted(now.scaleCodes[part], now.superScale, -32, 31, error);
        if (code == now.scaleCodes[part]) {
            return grid;
        }
        int[] codes = now.scaleCodes.clone();
        codes[part] = code;
        float[] scale = now.scale.clone();
        scale[part] = now.superScale * code;
        return grid(scale, codes, now.superScale, inverses(scale));
    }

    @Override
    public Grid refitShared(Grid grid, ScaleError error) {
        Uneven now = (Uneven) grid;
        float shared = HalfScale.round((float) (now.superScale * (1 + error.bestScale(0))));
        if (now.fallbacks > 0 || shared == 0 || !(error.change((double) shared / now.superScale - 1, 0) < 0)) {
            return grid;
        }
        float[] scale = new float[subBlocks];
        for (int sub = 0; sub < subBlocks; sub++) {
            scale[sub] = shared * now.scaleCodes[sub];
        }
        return grid(scale, now.scaleCodes, shared, inverses(scale));
    }
}
