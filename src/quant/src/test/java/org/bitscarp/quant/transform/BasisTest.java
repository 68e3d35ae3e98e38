package org.bitscarp.quant.transform;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.Weights;
import org.bitscarp.quant.gptq.Hessian;
import org.bitscarp.quant.gptq.Problem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class BasisTest {
    /** Sums of n products of numbers near 1 in fp32. */
    private static final float ROUNDING = 1e-6f;

    static Stream<Basis> bases() {
        float[] factors = Weights.ONE_SIDED.block(48, 3);
        return Stream.of(
                new Rotation(1, 1),
                new Rotation(64, 1),
                new Rotation(96, 2),
                new Rotation(35, 3),
                new Scaling(factors),
                new Heads(new Rotation(12, 4), 4),
                Chain.of(new Scaling(factors), new Rotation(48, 5), new Scaling(factors)));
    }

    @ParameterizedTest
    @MethodSource("bases")
    void whatIsDoneIsUndoneAndProductsStay(Basis basis) {
        int n = basis.size();
        float[] x = Weights.UNIFORM.block(n, 1);
        float[] w = Weights.UNIFORM.block(n, 2);
        float[] xMoved = x.clone();
        float[] wMoved = w.clone();
        basis.apply(xMoved);
        basis.applyToRow(wMoved);
        assertEquals(dot(w, x), dot(wMoved, xMoved), n * ROUNDING);
        basis.undo(xMoved);
        basis.undoOnRow(wMoved);
        assertArrayEquals(x, xMoved, n * ROUNDING);
        assertArrayEquals(w, wMoved, n * ROUNDING);
    }

    private static double dot(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (double) a[i] * b[i];
        }
        return sum;
    }

    /** Entries as in scipy.linalg.hadamard: the sign of row i, column j is the parity of i AND j. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 8, 128})
    void powersOfTwoAreHadamardMatrices(int n) {
        Rotation rotation = new Rotation(n, 9);
        for (int j = 0; j < n; j++) {
            float[] column = new float[n];
            column[j] = 1;
            rotation.apply(column);
            float sign = Math.signum(column[0]);
            for (int i = 0; i < n; i++) {
                double expected = sign * (Integer.bitCount(i & j) % 2 == 0 ? 1 : -1) / Math.sqrt(n);
                assertEquals(expected, column[i], ROUNDING);
            }
        }
    }

    /** scipy.fft.dct(numpy.eye(3), norm="ortho", axis=0), up to the sign of each column. */
    @Test
    void oddFactorsAreCosineTransforms() {
        double[][] dct = {
            {0.57735027, 0.57735027, 0.57735027}, {0.70710678, 0, -0.70710678}, {0.40824829, -0.81649658, 0.40824829}
        };
        Rotation rotation = new Rotation(3, 1);
        for (int j = 0; j < 3; j++) {
            float[] column = new float[3];
            column[j] = 1;
            rotation.apply(column);
            for (int i = 0; i < 3; i++) {
                assertEquals(Math.signum(column[0]) * dct[i][j], column[i], ROUNDING);
            }
        }
    }

    @Test
    void signsFollowTheSeed() {
        float[] x = Weights.UNIFORM.block(64, 1);
        float[] first = x.clone();
        float[] again = x.clone();
        float[] other = x.clone();
        new Rotation(64, 1).apply(first);
        new Rotation(64, 1).apply(again);
        new Rotation(64, 2).apply(other);
        assertArrayEquals(first, again);
        assertFalse(Arrays.equals(first, other));
    }

    @Test
    void closedChannelsCarryNothing() {
        Scaling scaling = new Scaling(new float[] {2, 0});
        float[] w = {3, 4};
        scaling.applyToRow(w);
        assertArrayEquals(new float[] {6, 0}, w);
        scaling.undoOnRow(w);
        assertArrayEquals(new float[] {3, 0}, w);
    }

    @Test
    void basesOfDifferentSizesAreNotChained() {
        assertTrue(assertThrows(IllegalArgumentException.class, () -> Chain.of(new Rotation(4, 0), new Rotation(8, 0)))
                .getMessage()
                .contains("8 channels behind one of 4"));
    }

    /** The output error of a difference is the same in every basis: tr(Δ·H·Δᵀ), here summed element by element. */
    @Test
    void outputErrorsDoNotDependOnTheBasis() {
        Problem problem = Problem.of(18, 96, 5);
        Hessian hessian = problem.inputs().hessian();
        double expected = 0;
        DenseMatrix h = elements(hessian);
        float[] row = new float[96];
        for (int r = 0; r < 18; r++) {
            problem.weights().row(r, row);
            for (int i = 0; i < 96; i++) {
                for (int j = 0; j < 96; j++) {
                    expected += (double) row[i] * row[j] * h.data().getAtIndex(JAVA_FLOAT, 96L * i + j);
                }
            }
        }
        assertEquals(expected, hessian.outputError(problem.weights()), 1e-4 * expected);
        for (Basis basis : List.of(
                new Rotation(96, 1), Chain.of(new Scaling(Weights.ONE_SIDED.block(96, 1)), new Rotation(96, 2)))) {
            DenseMatrix moved = copy(problem.weights());
            BasisChange change = new BasisChange(basis, null);
            change.apply(moved);
            Hessian there = hessian.in(basis, Arena.ofAuto());
            assertEquals(expected, there.outputError(moved), 1e-4 * expected);
            assertEquals(there.meanSquares()[7], elements(there).data().getAtIndex(JAVA_FLOAT, 7L * 97));
            change.undo(moved);
            for (long i = 0; i < moved.size(); i++) {
                assertEquals(
                        problem.weights().data().getAtIndex(JAVA_FLOAT, i),
                        moved.data().getAtIndex(JAVA_FLOAT, i),
                        96 * ROUNDING);
            }
        }
    }

    /** H itself, element by element, from errors of single columns and pairs of them. */
    private static DenseMatrix elements(Hessian hessian) {
        int n = hessian.size();
        DenseMatrix values = new DenseMatrix(Arena.ofAuto().allocate(4L * n * n, 64), n, n);
        float[] diagonal = hessian.meanSquares();
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                DenseMatrix pair = new DenseMatrix(Arena.ofAuto().allocate(4L * n, 64), 1, n);
                pair.data().setAtIndex(JAVA_FLOAT, i, 1);
                pair.data().setAtIndex(JAVA_FLOAT, j, 1);
                double both = hessian.outputError(pair);
                float value = i == j ? diagonal[i] : (float) ((both - diagonal[i] - diagonal[j]) / 2);
                values.data().setAtIndex(JAVA_FLOAT, (long) i * n + j, value);
            }
        }
        return values;
    }

    private static DenseMatrix copy(DenseMatrix from) {
        DenseMatrix copy = new DenseMatrix(Arena.ofAuto().allocate(4 * from.size(), 64), from.rows(), from.columns());
        copy.data().copyFrom(from.data());
        return copy;
    }

    /** S·W·T⁻¹·(T·x) = S·(W·x). */
    @Test
    void outputsMoveWithTheOutputBasis() {
        DenseMatrix w = copy(Problem.of(24, 40, 3).weights());
        float[] x = Weights.UNIFORM.block(40, 4);
        float[] y = product(w, x);
        Basis input = new Rotation(40, 1);
        Basis output = new Scaling(Weights.ONE_SIDED.block(24, 8));
        BasisChange change = new BasisChange(input, output);
        change.apply(w);
        input.apply(x);
        output.apply(y);
        assertArrayEquals(y, product(w, x), 1e-4f);
        assertTrue(BasisChange.NONE.then(change).equals(change) && BasisChange.NONE.none() && !change.none());
    }

    private static float[] product(DenseMatrix w, float[] x) {
        float[] y = new float[w.rows()];
        float[] row = new float[w.columns()];
        for (int r = 0; r < y.length; r++) {
            w.row(r, row);
            y[r] = (float) dot(row, x);
        }
        return y;
    }
}
