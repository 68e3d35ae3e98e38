package org.bitscarp.model.internal.packed;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Scales of a packed matrix: one for each row and group of columns. */
interface Scales {
    /** Scales of some rows, group by group within a row: {@code rows × groups} of them. */
    float[] of(long firstRow, int rows) throws IOException;

    /** A tensor {@code [groups, out]} of floats (GPTQ, AWQ). */
    static Scales byGroup(Part part, int groups, long out) {
        return (firstRow, rows) -> {
            float[] scales = new float[Math.multiplyExact(rows, groups)];
            float[] line = new float[rows];
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment bytes = part.map(arena);
                for (int group = 0; group < groups; group++) {
                    long at = part.format().byteSize(group * out + firstRow);
                    part.format().decode(bytes, at, rows, MemorySegment.ofArray(line), 0);
                    for (int row = 0; row < rows; row++) {
                        scales[row * groups + group] = line[row];
                    }
                }
            }
            return scales;
        };
    }

    /** A tensor {@code [out, groups]} of floats (compressed-tensors). */
    static Scales byRow(Part part, int groups) {
        return (firstRow, rows) -> {
            float[] scales = new float[Math.multiplyExact(rows, groups)];
            try (Arena arena = Arena.ofConfined()) {
                long at = part.format().byteSize(firstRow * groups);
                MemorySegment bytes = part.map(at, part.format().byteSize(scales.length), arena);
                part.format().decode(bytes, 0, scales.length, MemorySegment.ofArray(scales), 0);
            }
            return scales;
        };
    }

    /** One scale for all (compressed-tensors' strategy {@code tensor}). */
    static Scales single(Part part) {
        return (firstRow, rows) -> {
            float[] scales = new float[rows];
            Arrays.fill(scales, part.floats()[0]);
            return scales;
        };
    }
}
