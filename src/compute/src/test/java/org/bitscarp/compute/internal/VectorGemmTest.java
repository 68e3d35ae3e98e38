package org.bitscarp.compute.internal;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Both register tiles on any machine, strided operands, both orientations of w: integers, so every product is exact. */
class VectorGemmTest {
    static Stream<VectorGemm.Tile> tiles() {
        return Stream.of(new Tile4x4(), new Tile4x2());
    }

    @ParameterizedTest
    @MethodSource("tiles")
    void integersComeOutExactly(VectorGemm.Tile tile) {
        VectorGemm gemm = new VectorGemm(tile);
        SplittableRandom random = new SplittableRandom(9);
        int[][] shapes = {{1, 1, 1}, {5, 63, 2}, {6, 64, 512}, {7, 65, 513}, {13, 17, 1030}, {200, 130, 9}, {6, 2100, 3}
        };
        for (int[] shape : shapes) {
            for (boolean transposed : new boolean[] {false, true}) {
                check(gemm, random, shape[0], shape[1], shape[2], transposed);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("tiles")
    void anEmptySumIsZero(VectorGemm.Tile tile) {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment y = arena.allocate(4 * 6, 4);
            y.fill((byte) 0x7f);
            Gemm.Panel none = new Gemm.Panel(arena.allocate(4, 4), 0, 1);
            new VectorGemm(tile).multiply(2, 3, 0, none, none, true, new Gemm.Panel(y, 0, 3));
            for (int i = 0; i < 6; i++) {
                assertEquals(0f, y.getAtIndex(JAVA_FLOAT, i));
            }
        }
    }

    private static void check(Gemm gemm, SplittableRandom random, int m, int n, int k, boolean transposed) {
        try (Arena arena = Arena.ofShared()) {
            Gemm.Panel x = integers(arena, random, m, k);
            Gemm.Panel w = transposed ? integers(arena, random, n, k) : integers(arena, random, k, n);
            Gemm.Panel y = integers(arena, random, m, n);
            gemm.multiply(m, n, k, x, w, transposed, y);
            for (int i = 0; i < m; i++) {
                for (int j = 0; j < n; j++) {
                    float sum = 0;
                    for (int p = 0; p < k; p++) {
                        sum += get(x, i, p) * (transposed ? get(w, j, p) : get(w, p, j));
                    }
                    assertEquals(sum, get(y, i, j), m + "×" + n + "×" + k + " at " + i + ", " + j);
                }
            }
        }
    }

    private static Gemm.Panel integers(Arena arena, SplittableRandom random, int rows, int columns) {
        int stride = columns + random.nextInt(5);
        int at = random.nextInt(7);
        MemorySegment data = arena.allocate(4L * (at + rows * stride + 3), 64);
        for (int i = 0; i < data.byteSize() / 4; i++) {
            data.setAtIndex(JAVA_FLOAT, i, random.nextInt(-8, 9));
        }
        return new Gemm.Panel(data, at, stride);
    }

    private static float get(Gemm.Panel p, int row, int column) {
        return p.data().getAtIndex(JAVA_FLOAT, p.at() + (long) row * p.stride() + column);
    }
}
