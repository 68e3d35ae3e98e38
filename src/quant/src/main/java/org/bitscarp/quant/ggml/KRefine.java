package org.bitscarp.quant.ggml;

import org.bitscarp.quant.HalfScale;

/**
 * Improves the grid of a super-block under its final, rounded parameters: the sub-blocks' integers one after another,
 * then the super-scales by least squares, in turn. What the sub-blocks lost when their scales became integers is partly
 * won back.
 */
final class KRefine {
    /** How far the integers of a sub-block move at a time. */
    private static final int REACH = 1;
    /** Rounds of integers and super-scales. */
    private static final int ROUNDS = 3;

    private final float[] x;
    private final float[] importance;
    private final int minScale;
    private final int maxScale;

    /** @param minScale the range of the sub-blocks' scales; minima run from 0 to {@code maxScale} */
    KRefine(float[] x, float[] importance, int minScale, int maxScale) {
        this.x = x;
        this.importance = importance;
        this.minScale = minScale;
        this.maxScale = maxScale;
    }

    /** A grid whose weighted squared error is at most that of {@code start}. */
    KGrid best(KGrid start) {
        KGrid best = start;
        double least = start.error(x, importance);
        KGrid next = start;
        for (int round = 0; round < ROUNDS; round++) {
            KGrid moved = subBlocks(next);
            double error = moved.error(x, importance);
            if (error < least) {
                least = error;
                best = moved;
            }
            next = superScales(moved);
            error = next.error(x, importance);
            if (!(error < least)) {
                break;
            }
            least = error;
            best = next;
        }
        return best;
    }

    /** For each sub-block the best of the neighbouring pairs of integers. */
    private KGrid subBlocks(KGrid grid) {
        int[] scales = grid.scaleCodes.clone();
        int[] minima = grid.minimumCodes == null ? null : grid.minimumCodes.clone();
        for (int sub = 0; sub < scales.length; sub++) {
            int scale = scales[sub];
            int minimum = minima == null ? 0 : minima[sub];
            double least = error(grid, sub, scale, minimum);
            for (int s = Math.max(minScale, scale - REACH); s <= Math.min(maxScale, scale + REACH); s++) {
                int from = minima == null ? 0 : Math.max(0, minimum - REACH);
                int to = minima == null ? 0 : Math.min(maxScale, minimum + REACH);
                for (int m = from; m <= to; m++) {
                    double error = error(grid, sub, s, m);
                    if (error < least) {
                        least = error;
                        scales[sub] = s;
                        if (minima != null) {
                            minima[sub] = m;
                        }
                    }
                }
            }
        }
        return grid.with(grid.superScale, grid.superMinimum, scales, minima);
    }

    private double error(KGrid grid, int sub, int scaleCode, int minimumCode) {
        float step = grid.superScale * scaleCode;
        float offset = -(grid.superMinimum * minimumCode);
        float inverse = step != 0 ? 1 / step : 0;
        float low = -grid.zero;
        float high = grid.maxCode - grid.zero;
        double error = 0;
        for (int i = sub * grid.subLength; i < (sub + 1) * grid.subLength; i++) {
            float steps = Math.max(low, Math.min(high, (x[i] - offset) * inverse));
            float difference = x[i] - step * (steps + AffineGrid.ROUND - AffineGrid.ROUND) - offset;
            error += importance[i] * difference * difference;
        }
        return error;
    }

    /** The least-squares super-scales for the grid's own codes; the same grid where they are not determined. */
    private KGrid superScales(KGrid grid) {
        int[] codes = new int[x.length];
        grid.nearest(x, 0, x.length, codes);
        // x ≈ d × a − dmin × b with a = scale × (code − zero), b = minimum.
        double aa = 0;
        double ab = 0;
        double bb = 0;
        double xa = 0;
        double xb = 0;
        for (int i = 0; i < x.length; i++) {
            int sub = i / grid.subLength;
            double a = grid.scaleCodes[sub] * (codes[i] - grid.zero);
            double b = grid.minimumCodes == null ? 0 : grid.minimumCodes[sub];
            double h = importance[i];
            aa += h * a * a;
            ab += h * a * b;
            bb += h * b * b;
            xa += h * x[i] * a;
            xb += h * x[i] * b;
        }
        double determinant = aa * bb - ab * ab;
        double d = bb == 0 ? xa / aa : (xa * bb - xb * ab) / determinant;
        double dmin = bb == 0 ? grid.superMinimum : (xa * ab - xb * aa) / determinant;
        if (!(aa > 0) || (bb > 0 && !(determinant > 1e-9 * aa * bb))) {
            return grid;
        }
        return grid.with(HalfScale.round((float) d), HalfScale.round((float) dmin), grid.scaleCodes, grid.minimumCodes);
    }
}
