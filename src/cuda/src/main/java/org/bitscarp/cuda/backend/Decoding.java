package org.bitscarp.cuda.backend;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.PackedMatrix;

/** Packed weights into fp32 tensors: uploaded packed and decoded on the device where there is a kernel for their format. */
final class Decoding {
    private final Launcher launcher;

    Decoding(Launcher launcher) {
        this.launcher = launcher;
    }

    void decode(Lane lane, PackedMatrix packed, int from, int to, DeviceTensor target) {
        DeviceTensor rows = target.slice(from, to - from);
        onHost(lane, packed, from, to, rows);
    }

    /** Decodes on the host: for formats that only tests know. */
    private void onHost(Lane lane, PackedMatrix packed, int from, int to, DeviceTensor rows) {
        long rowBytes = packed.format().rowBytes(packed.columns());
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment values = arena.allocate(rows.bytes(), 64);
            PackedMatrix part = new PackedMatrix(
                    packed.format(),
                    to - from,
                    packed.columns(),
                    packed.bytes().asSlice(from * rowBytes, (to - from) * rowBytes));
            part.decodeRows(0, to - from, new DenseMatrix(values, to - from, packed.columns()));
            launcher.queue.order(lane, List.of(), List.of(rows.block()), () -> lane.upload(values, rows.address()));
        }
    }
}
