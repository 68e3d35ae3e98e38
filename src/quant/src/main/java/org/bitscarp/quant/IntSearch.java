package org.bitscarp.quant;

/**
 * Looks for the scale and zero point of one block that minimise Σ importance × (w − scale × (code − zero))².
 *
 * <p>The error has many local minima in the scale, one for each assignment of codes. So: try ranges shrunk (and
 * slightly widened) at either end, keep the best few, and refine each by alternating between nearest codes and the
 * weighted least-squares scale and offset for those codes. Scales are rounded to FP16 before they are judged. The
 * published grid is among the candidates, so the result is never worse.
 *
 * <p>Works on the block scaled by a power of two to magnitudes in [1, 2), which is exact and keeps squares in range.
 */
final class IntSearch {
    /** Candidates that are refined. */
    private static final int KEPT = 4;
    /** Refinement stops by itself when nothing improves, usually after two or three rounds. */
    private static final int ROUNDS = 10;

    /** Zero points tried for one scale when they are many; refinement finds the ones between. */
    private static final int ZEROS = 8;

    private final GroupedInt format;
    private final int maxCode;
    private final ScaleScan scan;
    private final float[] w;
    private final int from;
    private final int length;
    private final float[] importance;
    private final int importanceFrom;

    private final double[] keptErrors = new double[KEPT];
    private final float[] keptScales = new float[KEPT];
    private final int[] keptZeros = new int[KEPT];
    private int kept;

    /** 2^−e, e the exponent of the largest magnitude. */
    private float unit;

    private BlockError block;

    /** Arguments as in {@link BlockFormat#search}. */
    IntSearch(GroupedInt format, float[] w, int from, int length, float[] importance, int importanceFrom) {
        this.format = format;
        this.maxCode = format.maxCode();
        scan = ScaleScan.of(format);
        this.w = w;
        this.from = from;
        this.length = length;
        this.importance = importance;
        this.importanceFrom = importanceFrom;
    }

    /** The best grid found, or the published one. */
    IntGrid best(IntGrid published) {
        float lo = 0;
        float hi = 0;
        for (int i = from; i < from + length; i++) {
            lo = Math.min(lo, w[i]);
            hi = Math.max(hi, w[i]);
        }
        if (lo == hi || published.fallbacks() > 0) {
            return published;
        }
        unit = Math.scalb(1f, -Math.getExponent(Math.max(-lo, hi)));
        block = new BlockError(w, from, length, unit, importance, importanceFrom, maxCode);
        if (format.symmetric()) {
            scanSymmetric(Math.max(-lo, hi) * unit);
        } else {
            scanAsymmetric(lo * unit, hi * unit);
        }
        IntGrid best = published;
        double least = SquaredError.of(published, w, from, length, importance, importanceFrom);
        for (int i = 0; i < kept; i++) {
            IntGrid candidate = refine(keptScales[i], keptZeros[i], keptErrors[i]);
            double error = SquaredError.of(candidate, w, from, length, importance, importanceFrom);
            if (error < least) {
                least = error;
                best = candidate;
            }
        }
        return best;
    }

    /** One zero point; a negative scale turns the code that has no counterpart to the positive side. */
    private void scanSymmetric(float max) {
        int zero = (maxCode + 1) / 2;
        double scale = max / (zero - 1.0);
        for (int i = 0; i <= 2 * scan.steps(); i++, scale *= scan.factor()) {
            consider((float) scale, zero);
            consider((float) -scale, zero);
        }
    }

    private void scanAsymmetric(float lo, float hi) {
        double range = (double) hi - lo;
        // Half a step more than the range at either end: the zero point has to be an integer.
        double scale = (range / maxCode) * (1 + 1.0 / maxCode);
        for (int i = 0; i <= scan.steps(); i++, scale *= scan.factor()) {
            // The zero points between "all of the low end is kept" and "all of the high end is kept".
            double keepLow = -lo / scale;
            double keepHigh = maxCode - hi / scale;
            int first = (int) Math.max(0, Math.floor(Math.min(keepLow, keepHigh)));
            int last = (int) Math.min(maxCode, Math.ceil(Math.max(keepLow, keepHigh)));
            int stride = Math.max(1, Math.ceilDiv(last - first, ZEROS));
            for (int zero = first; zero <= last; zero += stride) {
                consider((float) scale, zero);
            }
        }
    }

    /** Judges a scale (of the scaled block) and keeps it when it is among the best. */
    private void consider(float scale, int zero) {
        float stored = stored(scale);
        if (stored == 0) {
            return;
        }
        double error = block.error(stored, zero);
        if (kept == KEPT && error >= keptErrors[KEPT - 1]) {
            return;
        }
        int at = kept < KEPT ? kept++ : KEPT - 1;
        for (; at > 0 && keptErrors[at - 1] > error; at--) {
            keptErrors[at] = keptErrors[at - 1];
            keptScales[at] = keptScales[at - 1];
            keptZeros[at] = keptZeros[at - 1];
        }
        keptErrors[at] = error;
        keptScales[at] = stored;
        keptZeros[at] = zero;
    }

    /** What a scale of the scaled block becomes by being stored as FP16. */
    private float stored(float scale) {
        return HalfScale.round(scale / unit) * unit;
    }

    private IntGrid refine(float scale, int zero, double error) {
        double least = error;
        boolean better = true;
        for (int round = 0; round < ROUNDS && better; round++) {
            better = false;
            block.moments(scale, zero);
            double sum = block.importance();
            double sumW = block.weighted();
            double sumQ = block.codes();
            double sumQQ = block.codesSquared();
            double sumWQ = block.weightedCodes();
            // Regression of w on q = code − zero: w ≈ slope·q + offset, so the zero point wants to move by
            // −offset/slope.
            double determinant = sum * sumQQ - sumQ * sumQ;
            double move = 0;
            if (!format.symmetric() && determinant > 0) {
                double slope = (sum * sumWQ - sumQ * sumW) / determinant;
                move = slope > 0 ? -((sumW - slope * sumQ) / sum) / slope : 0;
            }
            float oldScale = scale;
            int oldZero = zero;
            int first = (int) Math.floor(Math.clamp(move, -maxCode, maxCode));
            int last = (int) Math.ceil(Math.clamp(move, -maxCode, maxCode));
            for (int by = Math.min(first, 0); by <= Math.max(last, 0); by++) {
                if (by != 0 && by != first && by != last) {
                    continue;
                }
                int candidateZero = oldZero + by;
                // The least-squares scale for the same codes when the zero point is moved: q becomes q − by.
                double squares = sumQQ - 2 * by * sumQ + (double) by * by * sum;
                float candidate = stored((float) ((sumWQ - by * sumW) / squares));
                boolean usable = candidate != 0 && (format.symmetric() || candidate > 0);
                if (!usable || candidateZero < 0 || candidateZero > maxCode || (by == 0 && candidate == oldScale)) {
                    continue;
                }
                double candidateError = block.error(candidate, candidateZero);
                if (candidateError < least) {
                    least = candidateError;
                    scale = candidate;
                    zero = candidateZero;
                    better = true;
                }
            }
        }
        return new IntGrid(scale / unit, zero, maxCode, 0);
    }
}
