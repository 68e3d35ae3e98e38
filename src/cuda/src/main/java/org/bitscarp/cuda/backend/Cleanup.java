package org.bitscarp.cuda.backend;

import java.util.List;

/** Gives things back one after the other, also when some of them fail, as all do on a lost device. */
final class Cleanup {
    private Cleanup() {}

    /** Takes every step; throws the first failure, with the others attached. */
    static void all(List<Runnable> steps) {
        RuntimeException first = null;
        for (Runnable step : steps) {
            try {
                step.run();
            } catch (RuntimeException e) {
                if (first == null) {
                    first = e;
                } else {
                    first.addSuppressed(e);
                }
            }
        }
        if (first != null) {
            throw first;
        }
    }
}
