package org.bitscarp.cuda.backend;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.bitscarp.quant.GroupedInt;

/** Room for the grids and codes of some rows of integers. */
final class TestRows {
    final IntRows rows;
    private final KernelBed bed;
    private final DeviceTensor grids;
    private final DeviceTensor codes;
    private final DeviceTensor fallbacks;

    TestRows(KernelBed bed, GroupedInt format, int count, int n) {
        this.bed = bed;
        grids = bed.bytes(new byte[(int) IntRows.gridBytes(format, count, n)]);
        codes = bed.bytes(new byte[count * n]);
        fallbacks = bed.tensor(1, 2, new float[2]);
        rows = new IntRows(format, count, n, grids.address(), codes.address(), fallbacks.address());
    }

    /** The same grids and codes in memory of their own. */
    TestRows copy() {
        TestRows copy = new TestRows(bed, rows.format(), rows.rows(), rows.columns());
        bed.lane.upload(MemorySegment.ofArray(bed.values(grids)), copy.grids.address());
        bed.lane.upload(MemorySegment.ofArray(bed.values(codes)), copy.codes.address());
        return copy;
    }

    byte[] gridBytes() {
        return MemorySegment.ofArray(bed.values(grids)).toArray(ValueLayout.JAVA_BYTE);
    }

    byte[] codeBytes() {
        return MemorySegment.ofArray(bed.values(codes)).toArray(ValueLayout.JAVA_BYTE);
    }

    long fallbacks() {
        return MemorySegment.ofArray(bed.values(fallbacks)).get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
    }
}
