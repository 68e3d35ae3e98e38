package org.bitscarp.compute;

/** The plain way, and the specification of all others: a tile's logits, then their statistics. */
public final class LogitsThenScores implements LogitScorer {
    /** Vocabulary entries whose logits exist at a time. */
    private static final int WIDTH = 2048;

    private final Backend backend;
    private final int width;
    private final Tensor referenceLogits;
    private final Tensor exponentials;
    private final Tensor levelLogits;

    /**
     * @param memory that logits live in
     * @param rows at most
     * @param vocabulary entries that there are
     */
    public LogitsThenScores(Backend backend, TensorMemory memory, int rows, int vocabulary) {
        this.backend = backend;
        width = width(vocabulary);
        int size = Math.multiplyExact(rows, width);
        referenceLogits = memory.allocate(1, size);
        exponentials = memory.allocate(1, size);
        levelLogits = memory.allocate(1, size);
    }

    private static int width(int vocabulary) {
        return Math.min(WIDTH, vocabulary);
    }

    /** Bytes that it takes. */
    public static long bytes(int rows, int vocabulary) {
        return 3 * 4L * rows * width(vocabulary);
    }

    @Override
    public int width() {
        return width;
    }

    @Override
    public void reference(Logits logits, Tile tile, Scores scores, TopTokens top) {
        Tensor z = project(logits, referenceLogits);
        backend.scoreReference(
                z, tile.firstToken(), tile.targets(), scores, exponentials.reshape(z.rows(), z.columns()));
        keepTop(z, tile, top);
    }

    @Override
    public void against(Logits logits, Tile tile, Scores reference, Scores scores, TopTokens top) {
        Tensor z = project(logits, levelLogits);
        backend.scoreAgainst(
                referenceLogits.reshape(z.rows(), z.columns()),
                exponentials.reshape(z.rows(), z.columns()),
                reference,
                z,
                tile.firstToken(),
                tile.targets(),
                scores);
        keepTop(z, tile, top);
    }

    private Tensor project(Logits logits, Tensor buffer) {
        Tensor z = buffer.reshape(logits.x().rows(), logits.head().rows());
        backend.matmul(logits.x(), logits.head(), z);
        if (logits.softCap() != 0) {
            backend.softCap(z, logits.softCap());
        }
        return z;
    }

    private void keepTop(Tensor z, Tile tile, TopTokens top) {
        if (top != null) {
            backend.keepTop(z, tile.firstToken(), top);
        }
    }
}
