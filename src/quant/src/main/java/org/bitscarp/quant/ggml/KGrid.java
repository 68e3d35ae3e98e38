package org.bitscarp.quant.ggml;

import java.util.Arrays;

/** The grid of a super-block: two levels of scales, and of minima where the type has them. */
final class KGrid extends AffineGrid {
    final float superScale;
    /** 0 for types without minima. */
    final float superMinimum;

    final int[] scaleCodes;
    /** Null for types without minima. */
    final int[] minimumCodes;

    private KGrid(
            float[] scale,
            float[] offset,
            int zero,
            int maxCode,
            int[] idle,
            float superScale,
            float superMinimum,
            int[] scaleCodes,
            int[] minimumCodes) {
        super(KFormat.LENGTH / scale.length, scale, offset, zero, 0, maxCode, idle);
        this.superScale = superScale;
        this.superMinimum = superMinimum;
        this.scaleCodes = scaleCodes;
        this.minimumCodes = minimumCodes;
    }

    /** value = superScale × scale code × code − superMinimum × minimum code, super-scales representable in FP16. */
    static KGrid withMinima(
            float superScale, float superMinimum, int[] scaleCodes, int[] minimumCodes, int maxCode, int[] idle) {
        float[] scale = new float[scaleCodes.length];
        float[] offset = new float[scaleCodes.length];
        for (int sub = 0; sub < scale.length; sub++) {
            scale[sub] = superScale * scaleCodes[sub];
            offset[sub] = -(superMinimum * minimumCodes[sub]);
        }
        return new KGrid(scale, offset, 0, maxCode, idle, superScale, superMinimum, scaleCodes, minimumCodes);
    }

    /** The same type of grid with other parameters. */
    KGrid with(float superScale, float superMinimum, int[] scaleCodes, int[] minimumCodes) {
        return minimumCodes == null
                ? signed(superScale, scaleCodes, zero, idle)
                : withMinima(superScale, superMinimum, scaleCodes, minimumCodes, maxCode, idle);
    }

    /** value = superScale × scale code × (code − half). */
    static KGrid signed(float superScale, int[] scaleCodes, int half, int[] idle) {
        float[] scale = new float[scaleCodes.length];
        float[] offset = new float[scaleCodes.length];
        Arrays.fill(offset, NO_OFFSET);
        for (int sub = 0; sub < scale.length; sub++) {
            scale[sub] = superScale * scaleCodes[sub];
        }
        return new KGrid(scale, offset, half, 2 * half - 1, idle, superScale, 0, scaleCodes, null);
    }
}
