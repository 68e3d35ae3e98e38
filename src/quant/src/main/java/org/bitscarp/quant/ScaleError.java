package org.bitscarp.quant;

/**
 * How a squared error that is quadratic in the weights changes when weights with fixed codes get another scale and offset,
 * value = scale × level + offset. With the error's gradient g (halved, downwards) and its matrix H, and u the levels:
 * change(a, b) = −2·(a·g·u + b·g·1) + a²·uHu + 2ab·uH1 + b²·1H1.
 *
 * @param scaleSlope g·u
 * @param offsetSlope g·1
 * @param scaleCurve uHu
 * @param mixedCurve uH1
 * @param offsetCurve 1H1
 */
public record ScaleError(
        double scaleSlope, double offsetSlope, double scaleCurve, double mixedCurve, double offsetCurve) {
    /** What moving the scale by {@code scale} and the offset by {@code offset} adds to the error. */
    public double change(double scale, double offset) {
        return -2 * (scale * scaleSlope + offset * offsetSlope)
                + scale * (scale * scaleCurve + 2 * offset * mixedCurve)
                + offset * offset * offsetCurve;
    }

    /** The best move of the scale where the offset moves by {@code offset}; 0 where it makes no difference. */
    public double bestScale(double offset) {
        return scaleCurve > 0 ? (scaleSlope - offset * mixedCurve) / scaleCurve : 0;
    }

    /** The best move of the offset where the scale moves by {@code scale}; 0 where it makes no difference. */
    public double bestOffset(double scale) {
        return offsetCurve > 0 ? (offsetSlope - scale * mixedCurve) / offsetCurve : 0;
    }

    /** The best move of the scale where the offset follows; as if it stayed where the two cannot be told apart. */
    public double bestScale() {
        double determinant = scaleCurve * offsetCurve - mixedCurve * mixedCurve;
        return determinant > 1e-9 * scaleCurve * offsetCurve
                ? (scaleSlope * offsetCurve - offsetSlope * mixedCurve) / determinant
                : bestScale(0);
    }

    /**
     * The same as a function of one of several zero points, value = scale × (level − shift) with an offset that is nothing but
     * the shift.
     *
     * @param scale now
     * @return the best move of the scale
     */
    public double bestScaleOfShifted(double scale, double shift) {
        double curve = scaleCurve - 2 * shift * mixedCurve + shift * shift * offsetCurve;
        double slope =
                scaleSlope - shift * offsetSlope + shift * scale * mixedCurve - shift * shift * scale * offsetCurve;
        return curve > 0 ? slope / curve : 0;
    }
}
