package org.bitscarp.quant;

/**
 * How many weights share the parameters of one block.
 *
 * @param kind consecutive weights of a row, a whole row, or the whole tensor
 * @param size weights in a group; 0 for rows and tensors
 */
public record BlockScope(Kind kind, int size) {
    /** What a block covers. */
    public enum Kind {
        GROUP,
        ROW,
        TENSOR
    }

    public static final BlockScope ROW = new BlockScope(Kind.ROW, 0);
    public static final BlockScope TENSOR = new BlockScope(Kind.TENSOR, 0);

    public BlockScope {
        if (kind == Kind.GROUP ? size < 1 : size != 0) {
            throw new IllegalArgumentException("a group holds at least 1 weight, found " + size);
        }
    }

    /** Groups of {@code size} consecutive weights of a row. */
    public static BlockScope group(int size) {
        return new BlockScope(Kind.GROUP, size);
    }

    /** Weights in a full block of a row of {@code columns} weights: never more than the row has, at least 1. */
    public int blockLength(int columns) {
        int row = Math.max(1, columns);
        return kind == Kind.GROUP ? Math.min(size, row) : row;
    }

    /** The scope's word in a level string: {@code g64}, {@code row}, {@code tensor}. */
    @Override
    public String toString() {
        return switch (kind) {
            case GROUP -> "g" + size;
            case ROW -> "row";
            case TENSOR -> "tensor";
        };
    }
}
