package org.bitscarp.model.internal.packed;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import java.util.Optional;

/**
 * Integers on evenly spaced grids: value = scale × (code − zero) in fp32, with a scale and a zero point for each row and
 * group of columns. Libraries compute the same in 16 bits where their model does; here the scale is widened first.
 */
public final class AffineWeight extends PackedWeight {
    private final Codes codes;
    private final Scales scales;
    private final Zeros zeros;
    private final ColumnGroups groups;

    /** @param byteSize bytes of all tensors */
    AffineWeight(
            String name,
            long out,
            int in,
            String formatName,
            long byteSize,
            Codes codes,
            Scales scales,
            Zeros zeros,
            ColumnGroups groups) {
        super(name, out, in, formatName, byteSize);
        this.codes = codes;
        this.scales = scales;
        this.zeros = zeros;
        this.groups = groups;
    }

    @Override
    public void read(long firstRow, long rows, MemorySegment target, long offset) throws IOException {
        Objects.checkFromIndexSize(firstRow, rows, rows());
        int[] groupOf = groups.read();
        byte[] row = new byte[in()];
        float[] values = new float[in()];
        for (long at = 0; at < rows; at += codes.tileRows()) {
            int n = (int) Math.min(codes.tileRows(), rows - at);
            Codes.Tile tile = codes.tile(firstRow + at, n);
            float[] scale = scales.of(firstRow + at, n);
            int[] zero = zeros.of(firstRow + at, n);
            for (int r = 0; r < n; r++) {
                tile.row(r, row);
                if (groupOf == null) {
                    runs(row, scale, zero, r * groups.count(), values);
                } else {
                    scattered(row, scale, zero, r * groups.count(), groupOf, values);
                }
                long byteOffset = offset + 4 * (at + r) * in();
                MemorySegment.copy(values, 0, target, ValueLayout.JAVA_FLOAT_UNALIGNED, byteOffset, in());
            }
        }
    }

    /** Width of a code. */
    public int bits() {
        return codes.bits();
    }

    /** Inputs that share a scale; the last group may have fewer. */
    public int groupSize() {
        return Math.min(groups.size(), in());
    }

    /** The group of each input where these are no runs of {@link #groupSize}. */
    public Optional<int[]> groupOf() throws IOException {
        return Optional.ofNullable(groups.read());
    }

    /** Scales of some rows, group by group within a row. */
    public float[] scales(long firstRow, int rows) throws IOException {
        return scales.of(firstRow, rows);
    }

    /** Zero points, in the same order. */
    public int[] zeros(long firstRow, int rows) throws IOException {
        return zeros.of(firstRow, rows);
    }

    /** Codes of some rows, input by input. */
    public byte[][] codes(long firstRow, int rows) throws IOException {
        byte[][] all = new byte[rows][in()];
        for (int at = 0; at < rows; at += codes.tileRows()) {
            int n = Math.min(codes.tileRows(), rows - at);
            Codes.Tile tile = codes.tile(firstRow + at, n);
            for (int row = 0; row < n; row++) {
                tile.row(row, all[at + row]);
            }
        }
        return all;
    }

    private void runs(byte[] row, float[] scales, int[] zeros, int first, float[] values) {
        for (int group = 0, at = 0; at < row.length; group++, at += groups.size()) {
            int end = Math.min(row.length, at + groups.size());
            scale(row, at, end, scales[first + group], zeros[first + group], values);
        }
    }

    private static void scale(byte[] row, int from, int to, float scale, int zero, float[] values) {
        for (int i = from; i < to; i++) {
            values[i] = scale * ((row[i] & 0xFF) - zero);
        }
    }

    private static void scattered(byte[] row, float[] scales, int[] zeros, int first, int[] groupOf, float[] values) {
        for (int i = 0; i < row.length; i++) {
            int group = first + groupOf[i];
            values[i] = scales[group] * ((row[i] & 0xFF) - zeros[group]);
        }
    }
}
