package org.bitscarp.quant;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;

/**
 * NF4: the quantiles of a normal distribution as 16 fixed levels times the block's largest magnitude (Dettmers et al.
 * 2023, QLoRA, section 3 and appendix E).
 *
 * <p>Bytes of a block: scale (FP16, little-endian), then two codes per byte, the first in the low nibble. QLoRA's
 * double quantization of scales is not part of the format.
 *
 * @param scope weights that share a scale: a group or a row
 */
public record NormalFloat4(BlockScope scope) implements BlockFormat {
    /** QLoRA's block size. */
    public static final BlockScope DEFAULT_SCOPE = BlockScope.group(64);

    /** The levels, as in appendix E and in bitsandbytes. */
    private static final float[] LEVELS = {
        -1.0f,
        -0.6961928009986877f,
        -0.5250730514526367f,
        -0.39491748809814453f,
        -0.28444138169288635f,
        -0.18477343022823334f,
        -0.09105003625154495f,
        0.0f,
        0.07958029955625534f,
        0.16093020141124725f,
        0.24611230194568634f,
        0.33791524171829224f,
        0.44070982933044434f,
        0.5626170039176941f,
        0.7229568362236023f,
        1.0f
    };

    private static final int ZERO = 7;
    private static final float[] MIDPOINTS = midpoints();

    /** Bins of width 2/BINS over [−1, 1], narrower than the distance of any two midpoints: one holds at most one. */
    private static final int BINS = 64;
    /** For each bin, the code of its lower end, and the midpoint that the code's upper neighbour begins at. */
    private static final int[] BIN_CODE = new int[BINS + 1];

    private static final float[] BIN_MIDPOINT = new float[BINS + 1];

    static {
        for (int bin = 0; bin <= BINS; bin++) {
            int code = code(2f * bin / BINS - 1);
            BIN_CODE[bin] = code;
            BIN_MIDPOINT[bin] = code < MIDPOINTS.length ? MIDPOINTS[code] : Float.MAX_VALUE;
        }
    }

    public NormalFloat4 {
        if (scope.kind() == BlockScope.Kind.TENSOR) {
            throw new IllegalArgumentException("nf4 has a scale for each group or row, not for the tensor");
        }
    }

    private static float[] midpoints() {
        float[] midpoints = new float[LEVELS.length - 1];
        for (int i = 0; i < midpoints.length; i++) {
            midpoints[i] = (LEVELS[i] + LEVELS[i + 1]) / 2;
        }
        return midpoints;
    }

    /** The level nearest to a number, on NF4's own scale from −1 to 1. */
    static float nearestLevel(float level) {
        return LEVELS[code(level)];
    }

    /** The nearest level's code; on a midpoint the lower level wins, as in bitsandbytes. NaN counts as 0. */
    private static int code(float level) {
        if (level != level) {
            return ZERO;
        }
        int code = 0;
        while (code < MIDPOINTS.length && level > MIDPOINTS[code]) {
            code++;
        }
        return code;
    }

    @Override
    public String name() {
        return scope.equals(DEFAULT_SCOPE) ? "nf4" : "nf4:" + scope;
    }

    @Override
    public int blockLength(int columns) {
        return scope.blockLength(columns);
    }

    @Override
    public int blockBytes(int length) {
        return HalfScale.BYTES + CodeBits.bytes(4, length);
    }

    /** The largest magnitude as scale. Fallbacks: beyond FP16's range it is clamped, below it becomes 0. */
    @Override
    public Grid fit(float[] w, int from, int length) {
        float max = 0;
        for (int i = from; i < from + length; i++) {
            max = Math.max(max, Math.abs(w[i]));
        }
        float scale = HalfScale.round(max);
        boolean fallback = HalfScale.overflows(max) || (scale == 0 && max > 0);
        return new Levels(scale, fallback ? 1 : 0);
    }

    /** Tries scales of both signs, the levels not being symmetric. Never worse than {@link #fit}. */
    @Override
    public Grid search(float[] w, int from, int length, float[] importance, int importanceFrom) {
        Levels published = (Levels) fit(w, from, length);
        if (published.scale == 0 || published.fallbacks > 0) {
            return published;
        }
        Levels found = new Levels(
                new NormalFloat4Search(w, from, length, importance, importanceFrom).best(published.scale), 0);
        double searchedError = SquaredError.of(found, w, from, length, importance, importanceFrom);
        double publishedError = SquaredError.of(published, w, from, length, importance, importanceFrom);
        return searchedError < publishedError ? found : published;
    }

    @Override
    public boolean refits() {
        return true;
    }

    @Override
    public Grid refit(Grid grid, int part, ScaleError error) {
        Levels now = (Levels) grid;
        float scale = HalfScale.round((float) (now.scale() + error.bestScale(0)));
        boolean better = scale != 0 && now.fallbacks() == 0 && error.change(scale - now.scale(), 0) < 0;
        return better ? new Levels(scale, 0) : now;
    }

    @Override
    public void encode(Grid grid, int[] codes, int length, MemorySegment target, long offset) {
        HalfScale.put(target, offset, ((Levels) grid).scale);
        CodeBits.pack(4, codes, length, target, offset + HalfScale.BYTES);
    }

    @Override
    public void decode(MemorySegment source, long offset, int length, float[] w, int from) {
        float scale = HalfScale.get(source, offset);
        long at = offset + HalfScale.BYTES;
        for (int i = 0; i < length; i++) {
            int pair = source.get(ValueLayout.JAVA_BYTE, at + i / 2);
            w[from + i] = scale * LEVELS[pair >>> 4 * (i % 2) & 0xF];
        }
    }

    @Override
    public String toString() {
        return name();
    }

    /** @param scale exactly representable in FP16; negative scales mirror the levels */
    private record Levels(float scale, int fallbacks) implements Grid {
        @Override
        public int nearest(int position, float weight) {
            return scale == 0 ? ZERO : code(weight / scale);
        }

        @Override
        public void nearest(float[] w, int from, int length, int[] codes) {
            if (scale == 0) {
                Arrays.fill(codes, 0, length, ZERO);
                return;
            }
            for (int i = 0; i < length; i++) {
                float level = w[from + i] / scale;
                float clamped = Math.max(-1, Math.min(1, level == level ? level : 0));
                int bin = (int) ((clamped + 1) * (BINS / 2));
                codes[i] = BIN_CODE[bin] + (clamped > BIN_MIDPOINT[bin] ? 1 : 0);
            }
        }

        @Override
        public float level(int code) {
            return LEVELS[code];
        }

        @Override
        public float value(int position, int code) {
            return scale * LEVELS[code];
        }
    }

    /** Reads {@code nf4} with {@code g<N>} or {@code row}. */
    static final class Family implements FormatFamily {
        @Override
        public List<String> words() {
            return List.of("nf4");
        }

        @Override
        public BlockFormat read(String word, Modifiers modifiers) {
            return word.equals("nf4") ? new NormalFloat4(modifiers.scope(DEFAULT_SCOPE, "row")) : null;
        }
    }
}
