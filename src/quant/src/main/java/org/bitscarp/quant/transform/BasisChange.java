package org.bitscarp.quant.transform;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import org.bitscarp.quant.DenseMatrix;

/**
 * What becomes of a linear map whose inputs and outputs are in another basis: W' = S·W·T⁻¹.
 *
 * @param input T, or null where inputs stay
 * @param output S, or null where outputs stay
 */
public record BasisChange(Basis input, Basis output) {
    /** Nothing changes. */
    public static final BasisChange NONE = new BasisChange(null, null);

    /** Columns that are gathered at a time, so that every cache line is read once. */
    private static final int COLUMNS = 16;

    public boolean none() {
        return input == null && output == null;
    }

    /** This and then another. */
    public BasisChange then(BasisChange next) {
        return new BasisChange(chain(input, next.input), chain(output, next.output));
    }

    private static Basis chain(Basis first, Basis second) {
        return first == null ? second : second == null ? first : Chain.of(first, second);
    }

    /** W ← S·W·T⁻¹, in place. */
    public void apply(DenseMatrix weights) {
        if (input != null) {
            rows(weights, input::applyToRow);
        }
        if (output != null) {
            columns(weights, output::apply);
        }
    }

    /** W ← S⁻¹·W·T, in place. */
    public void undo(DenseMatrix weights) {
        if (output != null) {
            columns(weights, output::undo);
        }
        if (input != null) {
            rows(weights, input::undoOnRow);
        }
    }

    /** Does the same to each row, in place. */
    static void rows(DenseMatrix matrix, Consumer<float[]> change) {
        float[] row = new float[matrix.columns()];
        for (int r = 0; r < matrix.rows(); r++) {
            matrix.row(r, row);
            change.accept(row);
            MemorySegment.copy(row, 0, matrix.data(), JAVA_FLOAT, 4L * r * row.length, row.length);
        }
    }

    /** Does the same to each column, in place. */
    static void columns(DenseMatrix matrix, Consumer<float[]> change) {
        int rows = matrix.rows();
        float[][] columns = new float[COLUMNS][rows];
        for (int first = 0; first < matrix.columns(); first += COLUMNS) {
            int n = Math.min(COLUMNS, matrix.columns() - first);
            for (int r = 0; r < rows; r++) {
                for (int c = 0; c < n; c++) {
                    columns[c][r] = matrix.data().getAtIndex(JAVA_FLOAT, (long) r * matrix.columns() + first + c);
                }
            }
            for (int c = 0; c < n; c++) {
                change.accept(columns[c]);
            }
            for (int r = 0; r < rows; r++) {
                for (int c = 0; c < n; c++) {
                    matrix.data().setAtIndex(JAVA_FLOAT, (long) r * matrix.columns() + first + c, columns[c][r]);
                }
            }
        }
    }

    /** H' = T·H·Tᵀ, the second moments of T·x. */
    public static void moments(Basis basis, DenseMatrix hessian, DenseMatrix target) {
        MemorySegment.copy(hessian.data(), 0, target.data(), 0, 4 * hessian.size());
        rows(target, basis::apply);
        columns(target, basis::apply);
    }
}
