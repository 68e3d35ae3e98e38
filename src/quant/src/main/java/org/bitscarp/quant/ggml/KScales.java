package org.bitscarp.quant.ggml;

/** How the k-quants pack the scales and minima of their sub-blocks. */
final class KScales {
    private KScales() {}

    /**
     * q4_k and q5_k: eight scales and eight minima of six bits in twelve bytes.
     *
     * <p>Sub-blocks 0 … 3: the low six bits of byte j (scale) and j + 4 (minimum). Sub-blocks 4 … 7: the low nibble
     * (scale) and high nibble (minimum) of byte j + 4, and as their upper two bits the upper two of byte j − 4 (scale)
     * and j (minimum).
     */
    static void readSix(byte[] block, int at, int[] scales, int[] minima) {
        for (int j = 0; j < 4; j++) {
            int scale = block[at + j];
            int minimum = block[at + j + 4];
            int both = block[at + j + 8];
            scales[j] = scale & 63;
            minima[j] = minimum & 63;
            scales[j + 4] = both & 15 | scale >> 2 & 48;
            minima[j + 4] = both >> 4 & 15 | minimum >> 2 & 48;
        }
    }

    static void writeSix(int[] scales, int[] minima, byte[] block, int at) {
        for (int j = 0; j < 4; j++) {
            block[at + j] = (byte) (scales[j] | (scales[j + 4] & 48) << 2);
            block[at + j + 4] = (byte) (minima[j] | (minima[j + 4] & 48) << 2);
            block[at + j + 8] = (byte) (scales[j + 4] & 15 | (minima[j + 4] & 15) << 4);
        }
    }

    /**
     * q3_k: sixteen scales of six bits, 32 standing for 0, in twelve bytes: low nibbles in bytes 0 … 7 (scale j in the
     * low half of byte j, scale j + 8 in the high half), upper two bits of scale j in byte 8 + j mod 4 at bit 2 × (j /
     * 4).
     */
    static int[] readThree(byte[] block, int at) {
        int[] scales = new int[16];
        for (int j = 0; j < 16; j++) {
            int low = block[at + j % 8] >> 4 * (j / 8) & 15;
            int high = block[at + 8 + j % 4] >> 2 * (j / 4) & 3;
            scales[j] = (low | high << 4) - 32;
        }
        return scales;
    }

    static void writeThree(int[] scales, byte[] block, int at) {
        for (int j = 0; j < 16; j++) {
            int scale = scales[j] + 32;
            block[at + j % 8] |= (byte) ((scale & 15) << 4 * (j / 8));
            block[at + 8 + j % 4] |= (byte) (scale >> 4 << 2 * (j / 4));
        }
    }
}
