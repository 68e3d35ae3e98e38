package org.bitscarp.quant.ggml;

import org.bitscarp.quant.HalfScale;

/** {@code iq3_xxs} and {@code iq3_s}: four magnitudes from a codebook, signs, times a scale for each 32. */
final class Iq3 {
    private Iq3() {}

    /**
     * 256 points.
     *
     * <p>Bytes: d; 64 point numbers; for each 32 weights a 32-bit number with four times seven bits of signs and four
     * of scale.
     */
    static final class Smallest extends CodebookFormat {
        private static final int SIGNS_AT = HalfScale.BYTES + LENGTH / 4;

        Smallest() {
            super(18, "iq3_xxs", SIGNS_AT + 4 * GROUPS);
        }

        @Override
        void decode(byte[] block, float[] w, int from) {
            float d = Bytes.half(block, 0);
            for (int group = 0; group < GROUPS; group++) {
                int rest = Bytes.int32(block, SIGNS_AT + 4 * group);
                float scale = d * (0.5f + (rest >>> 28)) * 0.5f;
                for (int l = 0; l < 8; l++) {
                    int signs = evenSigns(rest >> 7 * (l / 2) & 127) >> 4 * (l % 2);
                    int point = block[2 + 8 * group + l] & 0xFF;
                    signed(Codebooks.QUARTETS_256, point, 4, signs, scale, w, from + 32 * group + 4 * l);
                }
            }
        }
    }

    /**
     * 512 points, all signs free.
     *
     * <p>Bytes: d; 64 low bytes of point numbers; their ninth bits, eight to a byte; 32 bytes of signs; four bytes with
     * two scales s each (2 s + 1).
     */
    static final class Free extends CodebookFormat {
        private static final int HIGH_AT = HalfScale.BYTES + LENGTH / 4;
        private static final int SIGNS_AT = HIGH_AT + GROUPS;
        private static final int SCALES_AT = SIGNS_AT + LENGTH / 8;

        Free() {
            super(21, "iq3_s", SCALES_AT + GROUPS / 2);
        }

        @Override
        void decode(byte[] block, float[] w, int from) {
            float d = Bytes.half(block, 0);
            for (int quartet = 0; quartet < LENGTH / 4; quartet++) {
                int group = quartet / 8;
                float scale = d * (1 + 2 * (block[SCALES_AT + group / 2] >> 4 * (group % 2) & 15));
                int high = block[HIGH_AT + group] >> quartet % 8 & 1;
                int point = block[2 + quartet] & 0xFF | high << 8;
                int signs = block[SIGNS_AT + quartet / 2] >> 4 * (quartet % 2);
                signed(Codebooks.QUARTETS_512, point, 4, signs, scale, w, from + 4 * quartet);
            }
        }
    }
}
