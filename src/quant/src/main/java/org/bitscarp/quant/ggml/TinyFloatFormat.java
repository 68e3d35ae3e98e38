package org.bitscarp.quant.ggml;

import java.util.List;

/**
 * Four-bit floats (E2M1: 0, ½, 1, 1½, 2, 3, 4, 6 and their negatives) with eight-bit scales: {@code mxfp4} with a power
 * of two for 32 weights (OCP Microscaling Formats v1.0, E8M0), {@code nvfp4} with an unsigned E4M3 number for each 16
 * of 64.
 *
 * <p>As in the reference the levels are kept doubled and the scales halved, which decides how tiny products round.
 */
final class TinyFloatFormat extends GgmlFormat {
    private static final float[] LEVELS = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
    private static final int SIGN = 8;
    /** For each integer up to the largest level, the last level that is not above it. */
    private static final int[] BELOW = {0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 6, 6, 7};

    /** The largest E2M1 and E4M3 magnitudes. */
    private static final float LARGEST = 6;

    private static final float LARGEST_SCALE = 448;
    private static final int LARGEST_SCALE_CODE = 0x7E;

    private final int subBlocks;

    private TinyFloatFormat(int id, String name, int length, int subBlocks, int stride) {
        super(id, name, length, subBlocks + length / 2, List.of(new Plane(subBlocks, 4, stride, 0)));
        this.subBlocks = subBlocks;
    }

    /** Bytes: exponent, 32 codes whose halves share bytes. */
    static GgmlFormat mx() {
        return new TinyFloatFormat(39, "mxfp4", 32, 1, 16);
    }

    /** Bytes: four scales, for each sub-block 16 codes whose halves share bytes. */
    static GgmlFormat nv() {
        return new TinyFloatFormat(40, "nvfp4", 64, 4, 8);
    }

    private boolean powersOfTwo() {
        return subBlocks == 1;
    }

    @Override
    float largest() {
        return powersOfTwo() ? Float.MAX_VALUE : LARGEST * LARGEST_SCALE;
    }

    /** Half the scale that a byte stands for; what the standards call NaN is read as a number (or 0) here. */
    private float scale(int code) {
        if (powersOfTwo()) {
            // 2^(code − 128), subnormal for the first two.
            return Float.intBitsToFloat(code < 2 ? 0x00200000 << code : (code - 1) << 23);
        }
        int exponent = code >> 3 & 15;
        int mantissa = code & 7;
        if (code == 0 || code == 0x7F) {
            return 0;
        }
        return exponent == 0 ? mantissa * 0x1p-10f : Math.scalb(1 + mantissa / 8f, exponent - 8);
    }

    private GgmlGrid grid(int[] codes) {
        float[] scale = new float[subBlocks];
        for (int sub = 0; sub < subBlocks; sub++) {
            scale[sub] = scale(codes[sub]);
        }
        return new LevelGrid(LEVELS, blockLength() / subBlocks, scale, codes) {
            /** The level with the least fp32 error; in the middle of two the smaller, and +0 before −0. */
            @Override
            public int nearest(int position, float weight) {
                float step = scale[position / subLength];
                float magnitude = Math.abs(weight);
                // False for NaN, too, and for scales of 0.
                if (!(magnitude > 0 && step > 0)) {
                    return 0;
                }
                int code = BELOW[(int) Math.min(LEVELS[SIGN - 1], magnitude / step)];
                if (code < SIGN - 1) {
                    float down = Math.abs(LEVELS[code] * step - magnitude);
                    float up = Math.abs(LEVELS[code + 1] * step - magnitude);
                    code += up < down ? 1 : 0;
                }
                return weight < 0 && code > 0 ? code + SIGN : code;
            }
        };
    }

    @Override
    GgmlGrid read(byte[] block) {
        int[] codes = new int[subBlocks];
        for (int sub = 0; sub < subBlocks; sub++) {
            codes[sub] = block[sub] & 0xFF;
        }
        return grid(codes);
    }

    @Override
    void write(GgmlGrid grid, byte[] block) {
        int[] codes = ((LevelGrid) grid).scaleCodes;
        for (int sub = 0; sub < subBlocks; sub++) {
            block[sub] = (byte) codes[sub];
        }
    }

    /** mxfp4: exponent floor(log2 max |w|) − 2 (OCP v1.0, section 6.3); nvfp4: scale max |w| / 6. */
    @Override
    GgmlGrid fit(float[] x) {
        int[] codes = new int[subBlocks];
        int length = x.length / subBlocks;
        for (int sub = 0; sub < subBlocks; sub++) {
            codes[sub] = scaleCode(largest(x, sub * length, length));
        }
        return grid(codes);
    }

    private static float largest(float[] x, int from, int length) {
        float largest = 0;
        for (int i = from; i < from + length; i++) {
            largest = Math.max(largest, Math.abs(x[i]));
        }
        return largest;
    }

    private int scaleCode(float largest) {
        if (!powersOfTwo()) {
            return e4m3(largest / LARGEST);
        }
        // The logarithm is rounded to fp32 first: next below a power of two that gives the power's own exponent.
        float logarithm = (float) (Math.log(largest) / Math.log(2));
        return largest > 0 ? Math.max(0, (int) Math.floor(logarithm) - 2 + 127) : 0;
    }

    /** The nearest unsigned E4M3 number, ties upwards, at most 448. */
    private static int e4m3(float x) {
        if (!(x > 0)) {
            return 0;
        }
        int exponent = Math.getExponent(Math.min(x, LARGEST_SCALE)) + 7;
        if (exponent <= 0) {
            return Math.min(7, (int) (x * 512 + 0.5f));
        }
        // Three bits of mantissa and half of the fourth; a carry runs into the exponent.
        int rounded = (Float.floatToRawIntBits(x) >> 19) + 1 >> 1;
        int code = rounded - ((127 - 7) << 3);
        return exponent >= 15 || code >= 15 << 3 ? LARGEST_SCALE_CODE : code;
    }

    /** For each sub-block the best of all scales within reach of the published one. */
    @Override
    GgmlGrid search(float[] x, float[] importance) {
        int[] codes = new int[subBlocks];
        int length = x.length / subBlocks;
        // An octave has one power of two and eight E4M3 numbers; two octaves down, one up.
        int octave = powersOfTwo() ? 1 : 8;
        int most = powersOfTwo() ? 254 : LARGEST_SCALE_CODE;
        for (int sub = 0; sub < subBlocks; sub++) {
            int published = scaleCode(largest(x, sub * length, length));
            codes[sub] = published;
            double least = Double.POSITIVE_INFINITY;
            for (int code = Math.max(0, published - 2 * octave); code <= Math.min(most, published + octave); code++) {
                double error = error(x, sub * length, length, importance, scale(code));
                if (error < least) {
                    least = error;
                    codes[sub] = code;
                }
            }
        }
        return grid(codes);
    }

    private static double error(float[] x, int from, int length, float[] importance, float scale) {
        float inverse = scale != 0 ? 1 / scale : 0;
        double error = 0;
        for (int i = from; i < from + length; i++) {
            float magnitude = Math.abs(x[i]);
            float difference = magnitude - scale * magnitude(magnitude * inverse);
            error += (double) importance[i] * difference * difference;
        }
        return error;
    }

    /** The nearest doubled E2M1 magnitude. */
    private static float magnitude(float steps) {
        if (steps < 3.5f) {
            return (int) (steps + 0.5f);
        }
        return steps < 5 ? 4 : steps < 7 ? 6 : steps < 10 ? 8 : 12;
    }
}
