package org.bitscarp.quant.transform;

import java.util.SplittableRandom;

/**
 * A Hadamard matrix times random signs (QuIP#, arXiv 2402.04396, section 3). Where n = 2ᵏ·m with an odd m, for which there
 * may be no Hadamard matrix, it is the Kronecker product of that of size 2ᵏ and the orthonormal cosine transform of size m,
 * whose entries are at most √2 larger than a Hadamard matrix's. Floor: n·(k + m) operations.
 */
public final class Rotation implements Basis.Orthogonal {
    private final int size;
    private final long seed;
    private final float[] signs;
    /** Size of the Hadamard factor, a power of two. */
    private final int blocks;
    /** [m, m], rows are frequencies; its transpose is its inverse. */
    private final float[] cosines;

    private final int odd;
    private final float scale;

    /** @param seed of the signs */
    public Rotation(int size, long seed) {
        this.size = size;
        this.seed = seed;
        blocks = Integer.lowestOneBit(size);
        odd = size / blocks;
        signs = new float[size];
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < size; i++) {
            signs[i] = random.nextBoolean() ? 1 : -1;
        }
        cosines = cosines(odd);
        scale = (float) (1 / Math.sqrt(blocks));
    }

    private static float[] cosines(int m) {
        float[] c = new float[m * m];
        for (int k = 0; k < m; k++) {
            for (int b = 0; b < m; b++) {
                c[k * m + b] = (float) (Math.sqrt((k == 0 ? 1.0 : 2.0) / m) * Math.cos(Math.PI * (b + 0.5) * k / m));
            }
        }
        return c;
    }

    @Override
    public int size() {
        return size;
    }

    /** Of the signs. */
    public long seed() {
        return seed;
    }

    @Override
    public void apply(float[] x) {
        for (int i = 0; i < size; i++) {
            x[i] *= signs[i];
        }
        hadamard(x);
        cosines(x, odd, 1);
    }

    @Override
    public void undo(float[] x) {
        cosines(x, 1, odd);
        hadamard(x);
        for (int i = 0; i < size; i++) {
            x[i] *= signs[i];
        }
    }

    /** Butterflies over the first factor of the index; symmetric and its own inverse. */
    private void hadamard(float[] x) {
        for (int step = odd; step < size; step *= 2) {
            for (int at = 0; at < size; at += 2 * step) {
                for (int i = at; i < at + step; i++) {
                    float a = x[i];
                    float b = x[i + step];
                    x[i] = a + b;
                    x[i + step] = a - b;
                }
            }
        }
        for (int i = 0; i < size; i++) {
            x[i] *= scale;
        }
    }

    /** Multiplies each run of m by the cosines, or by their transpose with the strides exchanged. */
    private void cosines(float[] x, int rowStride, int columnStride) {
        if (odd == 1) {
            return;
        }
        float[] run = new float[odd];
        for (int at = 0; at < size; at += odd) {
            for (int k = 0; k < odd; k++) {
                float sum = 0;
                for (int b = 0; b < odd; b++) {
                    sum += cosines[k * rowStride + b * columnStride] * x[at + b];
                }
                run[k] = sum;
            }
            System.arraycopy(run, 0, x, at, odd);
        }
    }
}
