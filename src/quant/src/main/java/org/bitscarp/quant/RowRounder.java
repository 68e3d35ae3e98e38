package org.bitscarp.quant;

import java.lang.foreign.MemorySegment;

/**
 * Rounds a row to nearest in one go: the bytes, values and fallbacks that {@link BlockFormat#fit}, {@link Grid#nearest} and
 * {@link BlockFormat#encode} give block by block. Has memory of its own, so each thread needs another.
 */
@FunctionalInterface
public interface RowRounder {
    /**
     * @param w the row, finite
     * @param rounded gets what the bytes decode to
     * @param target gets the packed row, at {@code offset}
     * @return fallbacks
     */
    int round(float[] w, float[] rounded, MemorySegment target, long offset);
}
