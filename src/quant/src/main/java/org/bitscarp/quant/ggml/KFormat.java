package org.bitscarp.quant.ggml;

import java.util.List;
import org.bitscarp.quant.Grid;
import org.bitscarp.quant.HalfScale;
import org.bitscarp.quant.ScaleError;

/** The k-quants: super-blocks of 256 weights whose sub-blocks' scales are integers themselves. */
abstract class KFormat extends GgmlFormat {
    /** Weights in a super-block. */
    static final int LENGTH = 256;

    KFormat(int id, String name, int bytes, List<Plane> planes) {
        super(id, name, LENGTH, bytes, planes);
    }

    /**
     * The best of three grids, refined: the reference's grids without and with an importance matrix, and one weighted
     * by the importance alone, which is what the error is measured with.
     */
    @Override
    final GgmlGrid search(float[] x, float[] importance) {
        KGrid start = fit(x);
        double least = start.error(x, importance);
        for (boolean plain : new boolean[] {false, true}) {
            KGrid other = weighted(x, importance, plain);
            double error = other.error(x, importance);
            if (error < least) {
                least = error;
                start = other;
            }
        }
        return new KRefine(x, importance, minScale(), maxScale()).best(start);
    }

    @Override
    abstract KGrid fit(float[] x);

    /** The least integer that a sub-block's scale may be. */
    abstract int minScale();

    /** The largest integer that a sub-block's scale or minimum may be. */
    abstract int maxScale();

    /**
     * The reference quantizer's grid under an importance matrix.
     *
     * @param plain weights the sub-blocks by the importance alone, without the reference's factor √(σ² + x²)
     */
    abstract KGrid weighted(float[] x, float[] importance, boolean plain);

    /** Importance of the weights under an importance matrix. */
    static float[] weights(float[] x, float[] importance, boolean plain, float variance) {
        return plain ? importance : ScaleFit.spread(x, 0, LENGTH, importance, variance);
    }

    @Override
    public final boolean refits() {
        return true;
    }

    @Override
    final GgmlGrid refit(GgmlGrid grid, int part, ScaleError error) {
        KGrid now = (KGrid) grid;
        int[] scales = now.scaleCodes.clone();
        if (now.minimumCodes == null) {
            scales[part] = refitted(scales[part], now.superScale, minScale(), maxScale(), error);
            return scales[part] == now.scaleCodes[part] ? grid : now.with(now.superScale, 0, scales, null);
        }
        int[] minima = now.minimumCodes.clone();
        double least = 0;
        int middle = near(scales[part], error.bestScale(), now.superScale);
        for (int s = middle - 1; s <= middle + 1; s++) {
            int scale = Math.clamp(s, minScale(), maxScale());
            double move = (double) now.superScale * (scale - now.scaleCodes[part]);
            int minimum =
                    Math.clamp(near(now.minimumCodes[part], -error.bestOffset(move), now.superMinimum), 0, maxScale());
            double change = error.change(move, -(double) now.superMinimum * (minimum - now.minimumCodes[part]));
            if (change < least) {
                least = change;
                scales[part] = scale;
                minima[part] = minimum;
            }
        }
        return least == 0 ? grid : now.with(now.superScale, now.superMinimum, scales, minima);
    }

    @Override
    public final Grid refitShared(Grid grid, ScaleError error) {
        KGrid now = (KGrid) grid;
        if (now.fallbacks > 0) {
            return grid;
        }
        double a = now.minimumCodes == null ? error.bestScale(0) : error.bestScale();
        float scale = HalfScale.round((float) (now.superScale * (1 + a)));
        double moved = relative(now.superScale, scale);
        float minimum = HalfScale.round((float) (now.superMinimum * (1 + error.bestOffset(moved))));
        boolean better = scale != 0 && error.change(moved, relative(now.superMinimum, minimum)) < 0;
        return better ? now.with(scale, minimum, now.scaleCodes, now.minimumCodes) : grid;
    }

    private static double relative(float before, float after) {
        return before == 0 ? 0 : (double) after / before - 1;
    }

    /** The integer whose multiple of {@code step} is the best scale of those in a range; {@code now} where none is better. */
    static int refitted(int now, float step, int least, int most, ScaleError error) {
        int wanted = Math.clamp(near(now, error.bestScale(0), step), least, most);
        return error.change((double) step * (wanted - now), 0) < 0 ? wanted : now;
    }

    /** The integer nearest to code + move / step; the code where there is no step. */
    private static int near(int code, double move, float step) {
        return step == 0 ? code : (int) Math.clamp(Math.rint(code + move / step), -1000, 1000);
    }
}
