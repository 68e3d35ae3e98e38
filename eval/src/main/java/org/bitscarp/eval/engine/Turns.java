package org.bitscarp.eval.engine;

import java.util.BitSet;

/**
 * Lets units do a piece of work one at a time, in the order of their numbers. A unit that never comes is passed once it has
 * finished altogether. Units are begun in order, so the lowest that is running never waits.
 */
final class Turns {
    private final BitSet taken = new BitSet();

    /** Units that will take no more turns anywhere. */
    static final class Finished {
        private final BitSet units = new BitSet();

        synchronized void add(int unit) {
            units.set(unit);
            notifyAll();
        }
    }

    /** Waits until every unit before this one has taken its turn here or finished, works, and lets the next one in. */
    void take(int unit, Finished finished, Runnable work) {
        synchronized (finished) {
            while (!ready(unit, finished)) {
                try {
                    finished.wait();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new IllegalStateException("interrupted while waiting for unit " + unit, e);
                }
            }
        }
        work.run();
        synchronized (finished) {
            taken.set(unit);
            finished.notifyAll();
        }
    }

    private boolean ready(int unit, Finished finished) {
        for (int u = 0; u < unit; u++) {
            if (!taken.get(u) && !finished.units.get(u)) {
                return false;
            }
        }
        return true;
    }
}
