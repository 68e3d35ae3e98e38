package org.bitscarp.compute;

import java.util.Objects;
import org.bitscarp.quant.PackedMatrix;

/** Which shapes the operations of a {@link Backend} take; others are a programming error that names them. */
public final class Operands {
    private Operands() {}

    public static void requireSameShape(String operation, Tensor x, Tensor y) {
        require(x.rows() == y.rows() && x.columns() == y.columns(), "%s: %s against %s", operation, shape(x), shape(y));
    }

    /** y = x·wᵀ. */
    public static void requireMatmul(Tensor x, Tensor w, Tensor y) {
        require(
                x.columns() == w.columns() && y.rows() == x.rows() && y.columns() == w.rows(),
                "matmul: %s · %sᵀ into %s",
                shape(x),
                shape(w),
                shape(y));
    }

    /** y = x·wᵀ with packed w. */
    public static void requireMatmul(Tensor x, PackedTensor w, Tensor y) {
        require(
                x.columns() == w.columns() && y.rows() == x.rows() && y.columns() == w.rows(),
                "matmul: %s · packed [%d, %d]ᵀ into %s",
                shape(x),
                w.rows(),
                w.columns(),
                shape(y));
    }

    public static void requireDecode(PackedTensor packed, Tensor target) {
        require(
                packed.rows() == target.rows() && packed.columns() == target.columns(),
                "decode: a packed %d × %d matrix into %s",
                packed.rows(),
                packed.columns(),
                shape(target));
    }

    public static void requireDecode(PackedMatrix packed, int from, int to, Tensor target) {
        require(
                packed.rows() == target.rows() && packed.columns() == target.columns(),
                "decode: a packed %d × %d matrix into %s",
                packed.rows(),
                packed.columns(),
                shape(target));
        Objects.checkFromToIndex(from, to, packed.rows());
    }

    public static void requireBias(Tensor x, Tensor bias) {
        require(bias.rows() == 1 && bias.columns() == x.columns(), "bias %s on %s", shape(bias), shape(x));
    }

    public static void requireRmsNorm(Tensor x, Tensor gain, Tensor y) {
        requireSameShape("rms norm", x, y);
        require(gain.rows() == 1 && gain.columns() == x.columns(), "gain %s for %s", shape(gain), shape(x));
    }

    public static void requireAttention(Tensor q, Tensor k, Tensor v, AttentionShape shape, Tensor out) {
        require(
                q.columns() == shape.heads() * shape.headDim()
                        && k.columns() == shape.kvHeads() * shape.headDim()
                        && q.rows() % shape.length() == 0
                        && k.rows() == q.rows(),
                "attention: queries %s and keys %s for %s",
                shape(q),
                shape(k),
                shape);
        requireSameShape("attention", k, v);
        requireSameShape("attention", q, out);
    }

    public static void requireColumnSums(Tensor x, double[] sums) {
        require(sums.length == x.columns(), "%d sums for %s", sums.length, shape(x));
    }

    public static void requireLayerNorm(Tensor x, Tensor gain, Tensor bias, Tensor y) {
        requireSameShape("layer norm", x, y);
        requireSameShape("layer norm", gain, bias);
        require(gain.rows() == 1 && gain.columns() == x.columns(), "gain %s for %s", shape(gain), shape(x));
    }

    public static void requireRope(Tensor x, int headDim, Tensor cos, Tensor sin) {
        requireSameShape("rope", cos, sin);
        require(
                x.columns() % headDim == 0 && 2 * cos.columns() <= headDim,
                "rope: %d pairs of heads of %d in %s",
                cos.columns(),
                headDim,
                shape(x));
    }

    public static void requireOuterProducts(Tensor x, int first, int count, Tensor sums) {
        require(
                sums.rows() == x.columns() && sums.columns() == x.columns(),
                "outer products: %s into %s",
                shape(x),
                shape(sums));
        Objects.checkFromIndexSize(first, count, x.columns());
    }

    public static void requireCompensated(Tensor part, int first, int count, Tensor sums, Tensor low) {
        requireSameShape("compensated sum", part, sums);
        requireSameShape("compensated sum", sums, low);
        Objects.checkFromIndexSize(first, count, part.rows());
    }

    /** A tile of logits for a scorer of that many rows and that width. */
    public static void requireLogits(LogitScorer.Logits logits, LogitScorer.Tile tile, int rows, int width) {
        require(
                logits.x().columns() == logits.head().columns()
                        && logits.x().rows() == tile.targets().length
                        && logits.x().rows() <= rows
                        && logits.head().rows() <= width,
                "logits: %s · %sᵀ of %d targets for at most [%d, %d]",
                shape(logits.x()),
                shape(logits.head()),
                tile.targets().length,
                rows,
                width);
    }

    /** Learned positions {@code [first, first + length)} for sequences of that length. */
    public static void requirePositions(Tensor x, Tensor positions, int first, int length) {
        require(
                length > 0 && x.rows() % length == 0 && x.columns() == positions.columns(),
                "positions %s for sequences of %d in %s",
                shape(positions),
                length,
                shape(x));
        Objects.checkFromIndexSize(first, length, positions.rows());
    }

    /** One index for each row of {@code few}, each a row of {@code many}. */
    public static void requireRows(String operation, int[] rows, Tensor few, Tensor many) {
        requireRows(operation, rows, few, many.rows(), many.columns());
    }

    /** One index for each row of {@code to}, each a row of a packed matrix. */
    public static void requireRows(PackedTensor from, int[] rows, Tensor to) {
        requireRows("gather", rows, to, from.rows(), from.columns());
    }

    private static void requireRows(String operation, int[] rows, Tensor few, int manyRows, int columns) {
        require(
                rows.length == few.rows() && few.columns() == columns,
                "%s: %d rows of [%d, %d] against %s",
                operation,
                rows.length,
                manyRows,
                columns,
                shape(few));
        for (int row : rows) {
            Objects.checkIndex(row, manyRows);
        }
    }

    private static String shape(Tensor t) {
        return "[" + t.rows() + ", " + t.columns() + "]";
    }

    private static void require(boolean condition, String message, Object... arguments) {
        if (!condition) {
            throw new IllegalArgumentException(String.format(message, arguments));
        }
    }
}
