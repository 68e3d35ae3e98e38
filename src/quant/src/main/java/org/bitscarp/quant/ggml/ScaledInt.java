package org.bitscarp.quant.ggml;

import java.util.List;
import org.bitscarp.quant.HalfScale;
import org.bitscarp.quant.ScaleError;

/**
 * Integers with one FP16 scale: {@code q4_0}, {@code q5_0}, {@code q8_0} and the two-bit {@code q2_0}; value = scale ×
 * (code − zero).
 */
final class ScaledInt extends GgmlFormat {
    private final int zero;
    private final int minCode;
    private final int maxCode;

    private ScaledInt(int id, String name, int length, int bytes, List<Plane> planes, int zero, int min, int max) {
        super(id, name, length, bytes, planes);
        this.zero = zero;
        this.minCode = min;
        this.maxCode = max;
    }

    /** Bytes: scale, 32 codes of 4 bits whose halves share bytes; code 8 is zero. */
    static GgmlFormat q4() {
        return new ScaledInt(2, "q4_0", 32, 2 + 32 / 2, List.of(new Plane(2, 4, 16, 0)), 8, 0, 15);
    }

    /** Bytes: scale, 32 fifth bits in order, then low bits as in q4_0; code 16 is zero. */
    static GgmlFormat q5() {
        List<Plane> planes = List.of(new Plane(6, 4, 16, 0), new Plane(2, 1, 1, 4));
        return new ScaledInt(6, "q5_0", 32, 2 + 32 / 8 + 32 / 2, planes, 16, 0, 31);
    }

    /** Bytes: scale, 32 signed bytes. −128 is never written, so that the range is symmetric. */
    static GgmlFormat q8() {
        return new ScaledInt(8, "q8_0", 32, 2 + 32, List.of(), 0, -127, 127);
    }

    /** Bytes: scale, 64 codes of 2 bits, four neighbours to a byte; the codes stand for −1, 0, 1 and 2. */
    static GgmlFormat q2() {
        return new ScaledInt(42, "q2_0", 64, 2 + 64 / 4, List.of(new Plane(2, 2, 1, 0)), 1, 0, 3);
    }

    @Override
    void unpack(byte[] block, int[] codes) {
        if (minCode == 0) {
            super.unpack(block, codes);
            return;
        }
        for (int i = 0; i < codes.length; i++) {
            codes[i] = block[HalfScale.BYTES + i];
        }
    }

    @Override
    void pack(int[] codes, byte[] block) {
        if (minCode == 0) {
            super.pack(codes, block);
            return;
        }
        for (int i = 0; i < blockLength(); i++) {
            block[HalfScale.BYTES + i] = (byte) codes[i];
        }
    }

    @Override
    GgmlGrid read(byte[] block) {
        return grid(Bytes.half(block, 0));
    }

    private AffineGrid grid(float scale) {
        float[] offset = {AffineGrid.NO_OFFSET};
        return new AffineGrid(blockLength(), new float[] {scale}, offset, zero, minCode, maxCode, null);
    }

    @Override
    void write(GgmlGrid grid, byte[] block) {
        Bytes.putHalf(block, 0, grid.scale[0]);
    }

    /**
     * q4_0, q5_0: scale = m / −2^(B−1), m the weight of the largest magnitude (the first of several), so that the side
     * with one code more serves it; q8_0: |m| / 127; q2_0: |m|, which leaves its code for 2 unused.
     */
    @Override
    GgmlGrid fit(float[] x) {
        float signed = ScaleFit.peak(x, 0, x.length);
        float largest = Math.abs(signed);
        boolean mirrored = zero > 1;
        float scale = mirrored ? signed / -zero : minCode < 0 ? largest / maxCode : largest;
        float inverse = scale != 0 ? 1 / scale : 0;
        SingleGrid.Half half = mirrored ? SingleGrid.Half.UP : SingleGrid.Half.AWAY;
        return new SingleGrid(grid(HalfScale.round(scale)), inverse, 0, half);
    }

    /** The best scale of either sign. */
    @Override
    GgmlGrid search(float[] x, float[] importance) {
        float low = minCode - zero;
        float high = maxCode - zero;
        ScaleSearch search = new ScaleSearch(Math.max(-low, high)) {
            @Override
            void levels(float[] x, float inverse, float[] levels) {
                for (int i = 0; i < x.length; i++) {
                    levels[i] = Math.max(low, Math.min(high, x[i] * inverse)) + AffineGrid.ROUND - AffineGrid.ROUND;
                }
            }
        };
        return grid(search.best(x, importance));
    }

    @Override
    public boolean refits() {
        return true;
    }

    @Override
    GgmlGrid refit(GgmlGrid grid, int part, ScaleError error) {
        float scale = refittedHalf(grid.scale[0], error);
        return scale == 0 ? grid : grid(scale);
    }
}
