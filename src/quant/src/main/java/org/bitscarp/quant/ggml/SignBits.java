package org.bitscarp.quant.ggml;

import java.util.List;
import org.bitscarp.quant.HalfScale;

/**
 * {@code q1_0}: the sign of each weight and one FP16 scale.
 *
 * <p>Bytes: scale, 128 sign bits in order (1 for + and zero).
 */
final class SignBits extends GgmlFormat {
    SignBits() {
        super(41, "q1_0", 128, 2 + 128 / 8, List.of(new Plane(2, 1, 1, 0)));
    }

    @Override
    GgmlGrid read(byte[] block) {
        return new Signs(Bytes.half(block, 0));
    }

    @Override
    void write(GgmlGrid grid, byte[] block) {
        Bytes.putHalf(block, 0, grid.scale[0]);
    }

    /** The mean magnitude, which is the least-squares scale, too. */
    @Override
    GgmlGrid fit(float[] x) {
        float sum = 0;
        for (float weight : x) {
            sum += Math.abs(weight);
        }
        return new Signs(HalfScale.round(sum / x.length));
    }

    /** The weighted mean magnitude: the exact optimum, the codes being given. */
    @Override
    GgmlGrid search(float[] x, float[] importance) {
        double sum = 0;
        double weighted = 0;
        for (int i = 0; i < x.length; i++) {
            sum += importance[i];
            weighted += (double) importance[i] * Math.abs(x[i]);
        }
        return new Signs(sum > 0 ? HalfScale.round((float) (weighted / sum)) : 0);
    }

    private static final class Signs extends GgmlGrid {
        Signs(float scale) {
            super(128, new float[] {scale});
        }

        @Override
        public int nearest(int position, float weight) {
            return weight < 0 ? 0 : 1;
        }

        @Override
        public float value(int position, int code) {
            return code == 0 ? -scale[0] : scale[0];
        }
    }
}
