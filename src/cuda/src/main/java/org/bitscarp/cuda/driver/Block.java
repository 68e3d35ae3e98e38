package org.bitscarp.cuda.driver;

/** Threads of a block, at least 1 each way. */
public record Block(int x, int y, int z) {
    public Block {
        if (x < 1 || y < 1 || z < 1) {
            throw new IllegalArgumentException(
                    "a block has at least one thread each way, not " + x + "×" + y + "×" + z);
        }
    }

    public static Block of(int x) {
        return new Block(x, 1, 1);
    }

    public static Block of(int x, int y) {
        return new Block(x, y, 1);
    }

    public int threads() {
        return Math.multiplyExact(Math.multiplyExact(x, y), z);
    }

    @Override
    public String toString() {
        return x + "×" + y + "×" + z;
    }
}
