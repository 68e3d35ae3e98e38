package org.bitscarp.quant.ggml;

import java.util.List;
import org.bitscarp.quant.BlockScope;
import org.bitscarp.quant.HalfScale;
import org.bitscarp.quant.Lanes;
import org.bitscarp.quant.RowRounder;
import org.bitscarp.quant.ScaleError;
import org.bitscarp.quant.Ternary;

/** −scale, 0 and scale with one FP16 scale for 256 weights: {@code tq1_0} and {@code tq2_0}; code 1 is zero. */
class TernaryBlocks extends GgmlFormat {
    private static final int LENGTH = 256;
    /** The largest magnitude: right for weights that were trained to be ternary, far too large for others. */
    private static final PeakRule RULE = new PeakRule(LENGTH, 1, 0, 2, 1, SingleGrid.Half.AWAY);

    private final int scaleAt;

    private TernaryBlocks(int id, String name, int codeBytes, List<Plane> planes) {
        super(id, name, LENGTH, codeBytes + HalfScale.BYTES, planes);
        this.scaleAt = codeBytes;
    }

    /** Bytes: 256 codes of 2 bits, those 32 positions apart sharing a byte; scale. */
    static GgmlFormat tq2() {
        return new TernaryBlocks(35, "tq2_0", LENGTH / 4, List.of(new Plane(0, 2, 32, 0)));
    }

    /** See {@link BaseThree}. */
    static GgmlFormat tq1() {
        return new BaseThree();
    }

    @Override
    GgmlGrid read(byte[] block) {
        return RULE.grid(Bytes.half(block, scaleAt));
    }

    @Override
    void write(GgmlGrid grid, byte[] block) {
        Bytes.putHalf(block, scaleAt, grid.scale[0]);
    }

    @Override
    GgmlGrid fit(float[] x) {
        return RULE.fit(x);
    }

    @Override
    public RowRounder rowRounder(int columns) {
        return Lanes.FAST ? new PeakRows(this, RULE, scaleAt, columns) : null;
    }

    /** The scale that {@link Ternary} finds for a group of 256: the codes mean the same, only their bytes differ. */
    @Override
    GgmlGrid search(float[] x, float[] importance) {
        Ternary groups = new Ternary(BlockScope.group(LENGTH));
        return RULE.grid(groups.search(x, 0, LENGTH, importance, 0).value(0, 1));
    }

    @Override
    public boolean refits() {
        return true;
    }

    @Override
    GgmlGrid refit(GgmlGrid grid, int part, ScaleError error) {
        float scale = refittedHalf(grid.scale[0], error);
        return scale == 0 ? grid : RULE.grid(scale);
    }

    /**
     * Five codes to a byte: the byte b is the fraction b/256, of which multiplying by 3 brings out one base-3 digit
     * after another, the first code first.
     *
     * <p>Bytes: 32 for positions 0 … 159, whose codes stand 32 apart; 16 for 160 … 239, 16 apart; 4 for 240 … 255, 4
     * apart and only four to a byte; scale.
     */
    private static final class BaseThree extends TernaryBlocks {
        /** For each run: first byte, bytes (the distance of the codes in a byte, too), codes in a byte. */
        private static final int[][] RUNS = {{0, 32, 5}, {32, 16, 5}, {48, 4, 4}};

        private static final int[] POWERS = {1, 3, 9, 27, 81};

        BaseThree() {
            super(34, "tq1_0", 32 + 16 + 4, List.of());
        }

        @Override
        void unpack(byte[] block, int[] codes) {
            int p = 0;
            for (int[] run : RUNS) {
                for (int n = 0; n < run[2]; n++) {
                    for (int m = 0; m < run[1]; m++) {
                        codes[p++] = (block[run[0] + m] * POWERS[n] & 0xFF) * 3 >> 8;
                    }
                }
            }
        }

        @Override
        void pack(int[] codes, byte[] bytes, int at) {
            int p = 0;
            for (int[] run : RUNS) {
                for (int m = 0; m < run[1]; m++) {
                    int digits = 0;
                    for (int n = 0; n < POWERS.length; n++) {
                        digits = 3 * digits + (n < run[2] ? codes[p + m + n * run[1]] : 0);
                    }
                    // Rounded up, so that cutting off while reading gives the digits back.
                    bytes[at + run[0] + m] = (byte) ((digits * 256 + 242) / 243);
                }
                p += run[1] * run[2];
            }
        }
    }
}
