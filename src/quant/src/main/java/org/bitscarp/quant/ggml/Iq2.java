package org.bitscarp.quant.ggml;

import org.bitscarp.quant.HalfScale;

/** {@code iq2_xxs}, {@code iq2_xs}, {@code iq2_s}: eight magnitudes from a codebook, eight signs, times a scale. */
final class Iq2 {
    private Iq2() {}

    private static float scale(float d, int code) {
        return d * (0.5f + code) * 0.25f;
    }

    /**
     * 256 points; a scale for each 32.
     *
     * <p>Bytes: d; for each 32 weights four point numbers, then a 32-bit number with four times seven bits of signs and
     * four of scale.
     */
    static final class Smallest extends CodebookFormat {
        Smallest() {
            super(16, "iq2_xxs", HalfScale.BYTES + 8 * GROUPS);
        }

        @Override
        void decode(byte[] block, float[] w, int from) {
            float d = Bytes.half(block, 0);
            for (int group = 0; group < GROUPS; group++) {
                int at = 2 + 8 * group;
                int rest = Bytes.int32(block, at + 4);
                float scale = scale(d, rest >>> 28);
                for (int l = 0; l < 4; l++) {
                    int signs = evenSigns(rest >> 7 * l & 127);
                    int point = block[at + l] & 0xFF;
                    signed(Codebooks.OCTETS_256, point, 8, signs, scale, w, from + 32 * group + 8 * l);
                }
            }
        }
    }

    /**
     * 512 points; a scale for each 16.
     *
     * <p>Bytes: d; 32 16-bit numbers with nine bits of point and seven of signs; eight bytes with two scales each.
     */
    static final class Small extends CodebookFormat {
        private static final int SCALES_AT = HalfScale.BYTES + LENGTH / 4;

        Small() {
            super(17, "iq2_xs", SCALES_AT + GROUPS);
        }

        @Override
        void decode(byte[] block, float[] w, int from) {
            float d = Bytes.half(block, 0);
            for (int octet = 0; octet < LENGTH / 8; octet++) {
                float scale = scale(d, block[SCALES_AT + octet / 4] >> 4 * (octet / 2 % 2) & 15);
                int code = Bytes.unsignedShort(block, 2 + 2 * octet);
                signed(Codebooks.OCTETS_512, code & 511, 8, evenSigns(code >> 9), scale, w, from + 8 * octet);
            }
        }
    }

    /**
     * 1024 points; a scale for each 16; all signs free.
     *
     * <p>Bytes: d; 32 low bytes of point numbers; 32 bytes of signs; eight bytes with the upper two bits of four points
     * each; eight bytes with two scales each.
     */
    static final class Free extends CodebookFormat {
        private static final int SIGNS_AT = HalfScale.BYTES + LENGTH / 8;
        private static final int HIGH_AT = SIGNS_AT + LENGTH / 8;
        private static final int SCALES_AT = HIGH_AT + GROUPS;

        Free() {
            super(22, "iq2_s", SCALES_AT + GROUPS);
        }

        @Override
        void decode(byte[] block, float[] w, int from) {
            float d = Bytes.half(block, 0);
            for (int octet = 0; octet < LENGTH / 8; octet++) {
                float scale = scale(d, block[SCALES_AT + octet / 4] >> 4 * (octet / 2 % 2) & 15);
                int high = block[HIGH_AT + octet / 4] >> 2 * (octet % 4) & 3;
                int point = block[2 + octet] & 0xFF | high << 8;
                signed(Codebooks.OCTETS_1024, point, 8, block[SIGNS_AT + octet], scale, w, from + 8 * octet);
            }
        }
    }
}
