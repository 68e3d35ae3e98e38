package org.bitscarp.quant;

import java.util.function.IntConsumer;

/** Who does pieces of work that do not depend on each other. This room has no threads of its own; its callers lend theirs. */
@FunctionalInterface
public interface Workers {
    /** The calling thread, piece after piece. */
    Workers CALLER = (n, piece) -> {
        for (int i = 0; i < n; i++) {
            piece.accept(i);
        }
    };

    /** Does pieces 0 … n − 1, in any order and at the same time, and returns when all are done. */
    void forEach(int n, IntConsumer piece);
}
