package org.bitscarp.quant.ggml;

import java.util.List;
import org.bitscarp.quant.HalfScale;

/** The k-quants with minima: {@code q2_k}, {@code q4_k}, {@code q5_k}; value = d × scale × code − dmin × minimum. */
final class KAffine extends KFormat {
    /** Candidates under an importance matrix; their number of codes is filled in. */
    private static final AffineFit WEIGHTED = new AffineFit(0, -0.9f, 0.05f, 36, false);

    private final int subBlocks;
    private final int maxScale;
    private final AffineFit published;
    private final AffineFit weighted;
    /** Byte offset of d, which dmin follows, and of the sub-blocks' scales. */
    private final int superAt;

    private final int scalesAt;

    private KAffine(
            int id,
            String name,
            int bytes,
            List<Plane> planes,
            int subBlocks,
            int maxScale,
            AffineFit published,
            int superAt,
            int scalesAt) {
        super(id, name, bytes, planes);
        this.subBlocks = subBlocks;
        this.maxScale = maxScale;
        this.published = published;
        this.weighted = new AffineFit(
                published.maxCode(), WEIGHTED.first(), WEIGHTED.step(), WEIGHTED.count(), WEIGHTED.absolute());
        this.superAt = superAt;
        this.scalesAt = scalesAt;
    }

    /** Bytes: 16 of scale (low nibble) and minimum (high nibble), codes of 2 bits, d, dmin; sub-blocks of 16. */
    static KFormat q2() {
        int codes = LENGTH / 4;
        AffineFit fit = new AffineFit(3, -0.5f, 0.1f, 15, true);
        return new KAffine(10, "q2_k", 16 + codes + 4, List.of(new Plane(16, 2, 32, 0)), 16, 15, fit, 16 + codes, 0);
    }

    /** Bytes: d, dmin, 12 of scales and minima (see {@link KScales}), codes of 4 bits; sub-blocks of 32. */
    static KFormat q4() {
        AffineFit fit = new AffineFit(15, -1, 0.1f, 20, false);
        return new KAffine(12, "q4_k", 4 + 12 + LENGTH / 2, List.of(new Plane(16, 4, 32, 0)), 8, 63, fit, 0, 4);
    }

    /** Bytes: d, dmin, 12 of scales and minima, the codes' fifth bits, their low bits; sub-blocks of 32. */
    static KFormat q5() {
        int high = LENGTH / 8;
        AffineFit fit = new AffineFit(31, -0.5f, 0.1f, 15, false);
        List<Plane> planes = List.of(new Plane(16 + high, 4, 32, 0), new Plane(16, 1, 32, 4));
        return new KAffine(13, "q5_k", 4 + 12 + high + LENGTH / 2, planes, 8, 63, fit, 0, 4);
    }

    @Override
    int minScale() {
        return 0;
    }

    @Override
    int maxScale() {
        return maxScale;
    }

    @Override
    GgmlGrid read(byte[] block) {
        int[] scales = new int[subBlocks];
        int[] minima = new int[subBlocks];
        if (maxScale == 63) {
            KScales.readSix(block, scalesAt, scales, minima);
        } else {
            for (int sub = 0; sub < subBlocks; sub++) {
                scales[sub] = block[scalesAt + sub] & 15;
                minima[sub] = block[scalesAt + sub] >> 4 & 15;
            }
        }
        return KGrid.withMinima(
                Bytes.half(block, superAt), Bytes.half(block, superAt + 2), scales, minima, published.maxCode(), null);
    }

    @Override
    void write(GgmlGrid grid, byte[] block) {
        KGrid parameters = (KGrid) grid;
        int[] scales = parameters.scaleCodes;
        int[] minima = parameters.minimumCodes;
        if (maxScale == 63) {
            KScales.writeSix(scales, minima, block, scalesAt);
        } else {
            for (int sub = 0; sub < subBlocks; sub++) {
                block[scalesAt + sub] = (byte) (scales[sub] | minima[sub] << 4);
            }
        }
        Bytes.putHalf(block, superAt, parameters.superScale);
        Bytes.putHalf(block, superAt + 2, parameters.superMinimum);
    }

    /** Sub-blocks are weighted by |x| (q2_k) or rms + |x|; the largest scale and minimum set d and dmin. */
    @Override
    KGrid fit(float[] x) {
        int length = LENGTH / subBlocks;
        float[] scales = new float[subBlocks];
        float[] minima = new float[subBlocks];
        int[] codes = new int[LENGTH];
        float[] weights = new float[LENGTH];
        for (int from = 0; from < LENGTH; from += length) {
            float rms = maxScale == 63 ? (float) Math.sqrt(ScaleFit.squares(x, from, length) / length) : 0;
            for (int i = from; i < from + length; i++) {
                weights[i] = rms + Math.abs(x[i]);
            }
        }
        published.fitAll(x, length, weights, codes, scales, minima);
        int[] scaleCodes = new int[subBlocks];
        int[] minimumCodes = new int[subBlocks];
        float d = HalfScale.round(quantize(scales, scaleCodes));
        float dmin = HalfScale.round(quantize(minima, minimumCodes));
        return KGrid.withMinima(d, dmin, scaleCodes, minimumCodes, published.maxCode(), codes);
    }

    /** Numbers ≥ 0 in steps of their largest / maxScale. */
    private float quantize(float[] numbers, int[] codes) {
        float max = 0;
        for (float number : numbers) {
            max = number > max ? number : max;
        }
        float inverse = max > 0 ? maxScale / max : 0;
        for (int i = 0; i < codes.length; i++) {
            codes[i] = AffineGrid.round(inverse * numbers[i], 0, maxScale);
        }
        return max / maxScale;
    }

    @Override
    KGrid weighted(float[] x, float[] importance, boolean plain) {
        int length = LENGTH / subBlocks;
        float variance = (maxScale == 63 ? 2 : 1) * ScaleFit.squares(x, 0, LENGTH) / LENGTH;
        float[] scales = new float[subBlocks];
        float[] minima = new float[subBlocks];
        float[] totals = new float[subBlocks];
        int[] codes = new int[LENGTH];
        float[] weights = weights(x, importance, plain, variance);
        for (int sub = 0; sub < subBlocks; sub++) {
            totals[sub] = ScaleFit.sum(weights, sub * length, length);
        }
        weighted.fitAll(x, length, weights, codes, scales, minima);
        int[] scaleCodes = new int[subBlocks];
        int[] minimumCodes = new int[subBlocks];
        float d = HalfScale.round(ScaleFit.positive(scales, maxScale, totals, scaleCodes));
        float dmin = HalfScale.round(ScaleFit.positive(minima, maxScale, totals, minimumCodes));
        return KGrid.withMinima(d, dmin, scaleCodes, minimumCodes, weighted.maxCode(), codes);
    }
}
