package org.bitscarp.quant.ggml;

/** Sixteen fixed levels times the scale of the sub-block. */
abstract class LevelGrid extends GgmlGrid {
    private final float[] levels;
    /** The integers that are stored for the sub-blocks' scales; null where the scale itself is. */
    final int[] scaleCodes;

    LevelGrid(float[] levels, int subLength, float[] scale, int[] scaleCodes) {
        super(subLength, scale);
        this.levels = levels;
        this.scaleCodes = scaleCodes;
    }

    @Override
    public final float level(int code) {
        return levels[code];
    }

    @Override
    public final float offset(int position) {
        return 0;
    }

    @Override
    public final float value(int position, int code) {
        return scale[position / subLength] * levels[code];
    }

    @Override
    public final void values(int[] codes, int length, float[] w, int from) {
        for (int sub = 0; sub * subLength < length; sub++) {
            float step = scale[sub];
            int end = Math.min(length, (sub + 1) * subLength);
            for (int i = sub * subLength; i < end; i++) {
                w[from + i] = step * levels[codes[i]];
            }
        }
    }
}
