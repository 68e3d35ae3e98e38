package org.bitscarp.eval.resume;

/**
 * Where and how often a sweep keeps what it has done.
 *
 * @param folder null to keep nothing
 * @param every seconds between two writes at least; 0 for after every layer
 */
public record Keeping(SweepFolder folder, double every) {
    /** For measurements that begin again when they are interrupted. */
    public static final Keeping NONE = new Keeping(null, Double.POSITIVE_INFINITY);
}
