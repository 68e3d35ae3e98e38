package org.bitscarp.eval.engine;

/** Told how far long work is; called from the thread that runs the sweep. */
@FunctionalInterface
public interface Progress {
    /**
     * @param what being done, for people: {@code layer 3 of 12, int4}
     * @param done units of work finished
     * @param total units of work in all; the same through a sweep
     */
    void report(String what, double done, double total);

    /** A line that stays: what was found before the work, what goes on from where. */
    default void note(String line) {}

    /** Says nothing. */
    Progress NONE = (what, done, total) -> {};
}
