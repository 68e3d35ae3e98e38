package org.bitscarp.quant.ggml;

import java.util.List;
import org.bitscarp.quant.HalfScale;
import org.bitscarp.quant.Lanes;
import org.bitscarp.quant.RowRounder;
import org.bitscarp.quant.ScaleError;

/**
 * Integers with one FP16 scale: {@code q4_0}, {@code q5_0}, {@code q8_0} and the two-bit {@code q2_0}; value = scale ×
 * (code − zero).
 */
final class ScaledInt extends GgmlFormat {
    private final PeakRule rule;

    private ScaledInt(int id, String name, int bytes, List<Plane> planes, PeakRule rule) {
        super(id, name, rule.length(), bytes, planes);
        this.rule = rule;
    }

    /** Bytes: scale, 32 codes of 4 bits whose halves share bytes; code 8 is zero. */
    static GgmlFormat q4() {
        PeakRule rule = new PeakRule(32, 8, 0, 15, -8, SingleGrid.Half.UP);
        return new ScaledInt(2, "q4_0", 2 + 32 / 2, List.of(new Plane(2, 4, 16, 0)), rule);
    }

    /** Bytes: scale, 32 fifth bits in order, then low bits as in q4_0; code 16 is zero. */
    static GgmlFormat q5() {
        List<Plane> planes = List.of(new Plane(6, 4, 16, 0), new Plane(2, 1, 1, 4));
        PeakRule rule = new PeakRule(32, 16, 0, 31, -16, SingleGrid.Half.UP);
        return new ScaledInt(6, "q5_0", 2 + 32 / 8 + 32 / 2, planes, rule);
    }

    /** Bytes: scale, 32 signed bytes. −128 is never written, so that the range is symmetric. */
    static GgmlFormat q8() {
        PeakRule rule = new PeakRule(32, 0, -127, 127, 127, SingleGrid.Half.AWAY);
        return new ScaledInt(8, "q8_0", 2 + 32, List.of(), rule);
    }

    /** Bytes: scale, 64 codes of 2 bits, four neighbours to a byte; the codes stand for −1, 0, 1 and 2. */
    static GgmlFormat q2() {
        PeakRule rule = new PeakRule(64, 1, 0, 3, 1, SingleGrid.Half.AWAY);
        return new ScaledInt(42, "q2_0", 2 + 64 / 4, List.of(new Plane(2, 2, 1, 0)), rule);
    }

    private boolean wholeBytes() {
        return rule.minCode() < 0;
    }

    @Override
    void unpack(byte[] block, int[] codes) {
        if (!wholeBytes()) {
            super.unpack(block, codes);
            return;
        }
        for (int i = 0; i < codes.length; i++) {
            codes[i] = block[HalfScale.BYTES + i];
        }
    }

    @Override
    void pack(int[] codes, byte[] bytes, int at) {
        if (!wholeBytes()) {
            super.pack(codes, bytes, at);
            return;
        }
        for (int i = 0; i < blockLength(); i++) {
            bytes[at + HalfScale.BYTES + i] = (byte) codes[i];
        }
    }

    @Override
    GgmlGrid read(byte[] block) {
        return rule.grid(Bytes.half(block, 0));
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
        return rule.fit(x);
    }

    @Override
    public RowRounder rowRounder(int columns) {
        return Lanes.FAST ? new PeakRows(this, rule, 0, columns) : null;
    }

    /** The best scale of either sign. */
    @Override
    GgmlGrid search(float[] x, float[] importance) {
        float low = rule.minCode() - rule.zero();
        float high = rule.maxCode() - rule.zero();
        ScaleSearch search = new ScaleSearch(Math.max(-low, high)) {
            @Override
            void levels(float[] x, float inverse, float[] levels) {
                for (int i = 0; i < x.length; i++) {
                    levels[i] = Math.max(low, Math.min(high, x[i] * inverse)) + AffineGrid.ROUND - AffineGrid.ROUND;
                }
            }
        };
        return rule.grid(search.best(x, importance));
    }

    @Override
    public boolean refits() {
        return true;
    }

    @Override
    GgmlGrid refit(GgmlGrid grid, int part, ScaleError error) {
        float scale = refittedHalf(grid.scale[0], error);
        return scale == 0 ? grid : rule.grid(scale);
    }
}
