package org.bitscarp.eval.engine;

import java.nio.file.Path;
import org.bitscarp.compute.Backend;

/**
 * What a pass over a model may use, and whom it tells.
 *
 * @param memoryBudget bytes that weights, activations and hidden states may take; what of the hidden states does not fit
 *     goes to a file
 * @param spillFolder where that file goes
 */
public record Resources(Backend backend, long memoryBudget, Path spillFolder, Progress progress) {
    /** Lanes for the work of the backend and of the host's threads, to be closed. */
    Lanes newLanes() {
        return new Lanes(Math.max(backend.lanes(), backend.hostThreads()));
    }
}
