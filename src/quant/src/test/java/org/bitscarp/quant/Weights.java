package org.bitscarp.quant;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/** Seeded weights for tests. */
public enum Weights {
    GAUSSIAN {
        @Override
        float next(SplittableRandom random) {
            return (float) (0.02 * random.nextGaussian());
        }
    },
    /** Ratio of normals: a few weights dwarf the others. */
    HEAVY_TAILED {
        @Override
        float next(SplittableRandom random) {
            return (float) Math.clamp(0.01 * random.nextGaussian() / (0.05 + random.nextDouble()), -10, 10);
        }
    },
    OUTLIERS {
        @Override
        float next(SplittableRandom random) {
            return (float) ((random.nextInt(40) == 0 ? 1 : 0.02) * random.nextGaussian());
        }
    },
    ONE_SIDED {
        @Override
        float next(SplittableRandom random) {
            return (float) (0.3 + 0.1 * random.nextGaussian());
        }
    },
    UNIFORM {
        @Override
        float next(SplittableRandom random) {
            return (float) random.nextDouble(-1, 1);
        }
    };

    abstract float next(SplittableRandom random);

    public float[] block(int length, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] w = new float[length];
        for (int i = 0; i < length; i++) {
            w[i] = next(random);
        }
        return w;
    }

    public DenseMatrix matrix(int rows, int columns, long seed) {
        return dense(block(rows * columns, seed), rows, columns);
    }

    public static DenseMatrix dense(float[] w, int rows, int columns) {
        MemorySegment data = Arena.ofAuto().allocate(4L * Math.max(1, w.length), 64);
        MemorySegment.copy(w, 0, data, ValueLayout.JAVA_FLOAT, 0, w.length);
        return new DenseMatrix(data, rows, columns);
    }

    /** Importances over four orders of magnitude, some zero. */
    public static float[] importance(int length, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        float[] importance = new float[length];
        for (int i = 0; i < length; i++) {
            importance[i] = random.nextInt(10) == 0 ? 0 : (float) Math.pow(10, random.nextDouble(-2, 2));
        }
        return importance;
    }
}
