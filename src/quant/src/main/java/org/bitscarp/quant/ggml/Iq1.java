package org.bitscarp.quant.ggml;

import org.bitscarp.quant.HalfScale;

/** {@code iq1_s} and {@code iq1_m}: eight weights −1, 0 or 1 from a codebook of 2048, shifted by ±⅛, times a scale. */
final class Iq1 {
    private static final float SHIFT = 0.125f;

    private Iq1() {}

    private static void octet(int point, float scale, float shift, float[] w, int from) {
        for (int i = 0; i < 8; i++) {
            w[from + i] = scale * (Codebooks.TERNARY[8 * point + i] + shift);
        }
    }

    /**
     * One scale and shift for each 32.
     *
     * <p>Bytes: d; 32 low bytes of point numbers; eight 16-bit numbers: three upper bits for each of four points, three
     * bits s of scale (2 s + 1), sign of the shift.
     */
    static final class Small extends CodebookFormat {
        Small() {
            super(19, "iq1_s", HalfScale.BYTES + LENGTH / 8 + 2 * GROUPS);
        }

        @Override
        void decode(byte[] block, float[] w, int from) {
            float d = Bytes.half(block, 0);
            for (int group = 0; group < GROUPS; group++) {
                int high = Bytes.unsignedShort(block, 2 + LENGTH / 8 + 2 * group);
                float scale = d * (2 * (high >> 12 & 7) + 1);
                float shift = (high & 0x8000) != 0 ? -SHIFT : SHIFT;
                for (int l = 0; l < 4; l++) {
                    int point = block[2 + 4 * group + l] & 0xFF | (high >> 3 * l & 7) << 8;
                    octet(point, scale, shift, w, from + 32 * group + 8 * l);
                }
            }
        }
    }

    /**
     * A scale for each 16, a shift for each eight.
     *
     * <p>Bytes: 32 low bytes of point numbers; 16 bytes with three upper bits and the shift's sign for two points each;
     * four 16-bit numbers: four times three bits s of scale (2 s + 1), and in their upper nibbles d.
     */
    static final class Medium extends CodebookFormat {
        private static final int HIGH_AT = LENGTH / 8;
        private static final int SCALES_AT = HIGH_AT + LENGTH / 16;

        Medium() {
            super(29, "iq1_m", SCALES_AT + 8);
        }

        @Override
        void decode(byte[] block, float[] w, int from) {
            int bits = 0;
            for (int k = 0; k < 4; k++) {
                bits |= Bytes.unsignedShort(block, SCALES_AT + 2 * k) >> 12 << 4 * k;
            }
            float d = Float.float16ToFloat((short) bits);
            for (int group = 0; group < GROUPS; group++) {
                int scales = Bytes.unsignedShort(block, SCALES_AT + 2 * (group / 2)) >> 6 * (group % 2);
                for (int l = 0; l < 4; l++) {
                    float scale = d * (2 * (scales >> 3 * (l / 2) & 7) + 1);
                    int high = block[HIGH_AT + 2 * group + l / 2] >> 4 * (l % 2);
                    int point = block[4 * group + l] & 0xFF | (high & 7) << 8;
                    octet(point, scale, (high & 8) != 0 ? -SHIFT : SHIFT, w, from + 32 * group + 8 * l);
                }
            }
        }
    }
}
