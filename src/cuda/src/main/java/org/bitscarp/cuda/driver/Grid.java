package org.bitscarp.cuda.driver;

/** Blocks of a launch, at least 1 each way. */
public record Grid(int x, int y, int z) {
    public Grid {
        if (x < 1 || y < 1 || z < 1) {
            throw new IllegalArgumentException("a grid has at least one block each way, not " + x + "×" + y + "×" + z);
        }
    }

    public static Grid of(int x) {
        return new Grid(x, 1, 1);
    }

    public static Grid of(int x, int y) {
        return new Grid(x, y, 1);
    }

    /** As many blocks of {@code per} elements as cover {@code count}. */
    public static Grid covering(long count, int per) {
        return of(Math.toIntExact((count + per - 1) / per));
    }

    public long blocks() {
        return (long) x * y * z;
    }

    @Override
    public String toString() {
        return x + "×" + y + "×" + z;
    }
}
