package org.bitscarp.quant.ggml;

import java.util.Arrays;
import java.util.List;
import org.bitscarp.quant.HalfScale;

/** The k-quants without minima: {@code q3_k}, {@code q6_k}; value = d × scale × (code − half), sub-blocks of 16. */
final class KSigned extends KFormat {
    private static final int SUB_BLOCKS = 16;
    private static final int SUB_LENGTH = LENGTH / SUB_BLOCKS;

    /** Half the number of codes. */
    private final int half;

    private final int superAt;

    private KSigned(int id, String name, int bytes, List<Plane> planes, int half) {
        super(id, name, bytes, planes);
        this.half = half;
        this.superAt = bytes - HalfScale.BYTES;
    }

    /** Bytes: the codes' third bits, their low two bits, 12 of scales (see {@link KScales}), d. */
    static KFormat q3() {
        int high = LENGTH / 8;
        List<Plane> planes = List.of(new Plane(high, 2, 32, 0), new Plane(0, 1, 32, 2));
        return new KSigned(11, "q3_k", high + LENGTH / 4 + 12 + 2, planes, 4);
    }

    /** Bytes: the codes' low four bits, their upper two, 16 signed bytes of scales, d. */
    static KFormat q6() {
        int low = LENGTH / 2;
        List<Plane> planes = List.of(new Plane(0, 4, 64, 0), new Plane(low, 2, 32, 4));
        return new KSigned(14, "q6_k", low + LENGTH / 4 + 16 + 2, planes, 32);
    }

    private boolean three() {
        return half == 4;
    }

    private int scalesAt() {
        return superAt - (three() ? 12 : 16);
    }

    @Override
    int minScale() {
        return three() ? -32 : -128;
    }

    @Override
    int maxScale() {
        return three() ? 31 : 127;
    }

    @Override
    GgmlGrid read(byte[] block) {
        int[] scales;
        if (three()) {
            scales = KScales.readThree(block, scalesAt());
        } else {
            scales = new int[SUB_BLOCKS];
            for (int sub = 0; sub < SUB_BLOCKS; sub++) {
                scales[sub] = block[scalesAt() + sub];
            }
        }
        return KGrid.signed(Bytes.half(block, superAt), scales, half, null);
    }

    @Override
    void write(GgmlGrid grid, byte[] block) {
        KGrid parameters = (KGrid) grid;
        if (three()) {
            KScales.writeThree(parameters.scaleCodes, block, scalesAt());
        } else {
            for (int sub = 0; sub < SUB_BLOCKS; sub++) {
                block[scalesAt() + sub] = (byte) parameters.scaleCodes[sub];
            }
        }
        Bytes.putHalf(block, superAt, parameters.superScale);
    }

    /** The sub-blocks' scales weighted by x²; the scale of the largest magnitude becomes −32 (q3_k) or −128 (q6_k). */
    @Override
    KGrid fit(float[] x) {
        int[] codes = new int[LENGTH];
        float[] scales = new float[SUB_BLOCKS];
        if (three()) {
            ScaleFit.signedByCode(x, SUB_LENGTH, half, codes, scales);
        } else {
            ScaleFit.signed(x, SUB_LENGTH, half, null, codes, scales);
        }
        return byLargest(scales, codes);
    }

    private KGrid byLargest(float[] scales, int[] codes) {
        float largest = 0;
        for (float scale : scales) {
            largest = Math.abs(scale) > Math.abs(largest) ? scale : largest;
        }
        int[] scaleCodes = new int[SUB_BLOCKS];
        if (three() ? largest == 0 : Math.abs(largest) < ScaleFit.ZERO) {
            // All zero bytes, which as scales of q3_k mean −32.
            Arrays.fill(scaleCodes, three() ? -32 : 0);
            return KGrid.signed(0, scaleCodes, half, three() ? codes : new int[LENGTH]);
        }
        int most = three() ? 32 : 128;
        float inverse = -most / largest;
        for (int sub = 0; sub < SUB_BLOCKS; sub++) {
            scaleCodes[sub] = AffineGrid.round(inverse * scales[sub], -most, most - 1);
        }
        return KGrid.signed(HalfScale.round(1 / inverse), scaleCodes, half, codes);
    }

    /** q6_k: the importance alone weights its sub-blocks in the reference, too. */
    @Override
    KGrid weighted(float[] x, float[] importance, boolean plain) {
        float variance = 2 * ScaleFit.squares(x, 0, LENGTH) / LENGTH;
        int[] codes = new int[LENGTH];
        float[] scales = new float[SUB_BLOCKS];
        float[] totals = new float[SUB_BLOCKS];
        float[] weights = weights(x, importance, plain || !three(), variance);
        for (int sub = 0; sub < SUB_BLOCKS; sub++) {
            totals[sub] = ScaleFit.sum(weights, sub * SUB_LENGTH, SUB_LENGTH);
        }
        ScaleFit.signed(x, SUB_LENGTH, half, weights, codes, scales);
        if (!three()) {
            return byLargest(scales, codes);
        }
        int[] scaleCodes = new int[SUB_BLOCKS];
        float d = HalfScale.round(ScaleFit.signed(scales, 0, SUB_BLOCKS, 32, totals, scaleCodes));
        for (int sub = 0; sub < SUB_BLOCKS; sub++) {
            scaleCodes[sub] -= 32;
        }
        return KGrid.signed(d, scaleCodes, half, codes);
    }
}
