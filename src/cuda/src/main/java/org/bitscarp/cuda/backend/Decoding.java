package org.bitscarp.cuda.backend;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.PackedMatrix;

/** Packed weights into fp32 tensors: uploaded packed and decoded on the device where there is a kernel for their format. */
final class Decoding {
    /** Packed bytes on the device at a time; larger matrices are decoded in several steps. */
    private static final long CHUNK = 64L << 20;

    private final Launcher launcher;
    private final PackedKernels kernels;

    Decoding(Launcher launcher) {
        this.launcher = launcher;
        this.kernels = new PackedKernels(launcher);
    }

    void decode(Lane lane, PackedMatrix packed, int from, int to, DeviceTensor target) {
        Optional<PackedFormat> format = PackedFormat.of(packed.format(), packed.columns());
        if (format.isPresent()) {
            onDevice(lane, format.get(), packed, from, to, target);
        } else {
            onHost(lane, packed, from, to, target.slice(from, to - from));
        }
    }

    private void onDevice(Lane lane, PackedFormat format, PackedMatrix packed, int from, int to, DeviceTensor target) {
        long rowBytes = packed.format().rowBytes(packed.columns());
        int step = (int) Math.clamp(CHUNK / Math.max(1, rowBytes), 1, Math.max(1, to - from));
        for (int row = from; row < to; row += step) {
            int rows = Math.min(step, to - row);
            // A multiple of four bytes, as the kernels read whole words.
            long bytes = lane.scratch(rows * rowBytes + 3);
            lane.upload(packed.bytes().asSlice(row * rowBytes, rows * rowBytes), bytes);
            kernels.decode(lane, format, bytes, rowBytes, target.slice(row, rows));
        }
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
