package org.bitscarp.quant.ggml;

import java.util.List;
import org.bitscarp.quant.HalfScale;
import org.bitscarp.quant.ScaleError;

/** Integers with an FP16 scale and minimum: {@code q4_1}, {@code q5_1}; value = scale × code + minimum. */
final class OffsetInt extends GgmlFormat {
    private static final int LENGTH = 32;
    /** Rounds of nearest codes and least-squares scale and minimum after each start. */
    private static final int ROUNDS = 6;
    /** Starts: ranges from the whole one down, in steps of this share of it. */
    private static final int STARTS = 10;

    private static final double SHRINK = 0.05;

    private final int maxCode;

    private OffsetInt(int id, String name, int bits, int bytes, List<Plane> planes) {
        super(id, name, LENGTH, bytes, planes);
        this.maxCode = (1 << bits) - 1;
    }

    /** Bytes: scale, minimum, 32 codes of 4 bits whose halves share bytes. */
    static GgmlFormat q4() {
        return new OffsetInt(3, "q4_1", 4, 4 + LENGTH / 2, List.of(new Plane(4, 4, 16, 0)));
    }

    /** Bytes: scale, minimum, 32 fifth bits in order, then low bits as in q4_1. */
    static GgmlFormat q5() {
        List<Plane> planes = List.of(new Plane(8, 4, 16, 0), new Plane(4, 1, 1, 4));
        return new OffsetInt(7, "q5_1", 5, 4 + LENGTH / 8 + LENGTH / 2, planes);
    }

    @Override
    GgmlGrid read(byte[] block) {
        return grid(Bytes.half(block, 0), Bytes.half(block, 2));
    }

    private AffineGrid grid(float scale, float minimum) {
        return new AffineGrid(LENGTH, new float[] {scale}, new float[] {minimum}, 0, 0, maxCode, null);
    }

    @Override
    void write(GgmlGrid grid, byte[] block) {
        Bytes.putHalf(block, 0, grid.scale[0]);
        Bytes.putHalf(block, 2, ((AffineGrid) grid).offset[0]);
    }

    /** The range of the weights: minimum = min w, scale = (max w − min w) / (2^B − 1). */
    @Override
    GgmlGrid fit(float[] x) {
        float low = Float.MAX_VALUE;
        float high = -Float.MAX_VALUE;
        for (float weight : x) {
            low = weight < low ? weight : low;
            high = weight > high ? weight : high;
        }
        float scale = (high - low) / maxCode;
        float inverse = scale != 0 ? 1 / scale : 0;
        return new SingleGrid(grid(HalfScale.round(scale), HalfScale.round(low)), inverse, low, SingleGrid.Half.UP);
    }

    /** Narrower and narrower ranges as starts, each refined by weighted least squares on its nearest codes. */
    @Override
    GgmlGrid search(float[] x, float[] importance) {
        float low = x[0];
        float high = x[0];
        for (float weight : x) {
            low = Math.min(low, weight);
            high = Math.max(high, weight);
        }
        AffineGrid best = null;
        double least = Double.POSITIVE_INFINITY;
        int[] codes = new int[LENGTH];
        for (int start = 0; start < STARTS; start++) {
            double margin = start * SHRINK / 2 * (high - low);
            float scale = HalfScale.round((float) ((high - low - 2 * margin) / maxCode));
            float minimum = HalfScale.round((float) (low + margin));
            for (int round = 0; round < ROUNDS; round++) {
                AffineGrid grid = grid(scale, minimum);
                grid.nearest(x, 0, LENGTH, codes);
                Moments moments = Moments.of(x, codes, importance);
                double error = moments.error(scale, minimum);
                if (error < least) {
                    least = error;
                    best = grid;
                }
                float refined = HalfScale.round((float) moments.scale());
                float shifted = HalfScale.round((float) moments.minimum());
                if (!(moments.determinant() > 0) || (refined == scale && shifted == minimum)) {
                    break;
                }
                scale = refined;
                minimum = shifted;
            }
        }
        return best;
    }

    @Override
    public boolean refits() {
        return true;
    }

    @Override
    GgmlGrid refit(GgmlGrid grid, int part, ScaleError error) {
        float oldScale = grid.scale[0];
        float oldMinimum = ((AffineGrid) grid).offset[0];
        float scale = HalfScale.round((float) (oldScale + error.bestScale()));
        float minimum = HalfScale.round((float) (oldMinimum + error.bestOffset(scale - oldScale)));
        boolean better = scale != 0 && error.change(scale - oldScale, minimum - oldMinimum) < 0;
        return better ? grid(scale, minimum) : grid;
    }

    /** The weighted sums that fix the squared error and its minimum for given codes. */
    private record Moments(double h, double q, double qq, double x, double xq, double xx) {
        static Moments of(float[] x, int[] codes, float[] importance) {
            double h = 0;
            double q = 0;
            double qq = 0;
            double sumX = 0;
            double xq = 0;
            double xx = 0;
            for (int i = 0; i < LENGTH; i++) {
                double weight = importance[i];
                double weightedCode = weight * codes[i];
                h += weight;
                q += weightedCode;
                qq += weightedCode * codes[i];
                sumX += weight * x[i];
                xq += weightedCode * x[i];
                xx += weight * x[i] * x[i];
            }
            return new Moments(h, q, qq, sumX, xq, xx);
        }

        double determinant() {
            return h * qq - q * q;
        }

        double scale() {
            return (h * xq - x * q) / determinant();
        }

        double minimum() {
            return (qq * x - q * xq) / determinant();
        }

        /** Σ importance × (x − scale × code − minimum)², up to rounding. */
        double error(double scale, double minimum) {
            return xx + scale * (scale * qq - 2 * xq + 2 * minimum * q) + minimum * (minimum * h - 2 * x);
        }
    }
}
