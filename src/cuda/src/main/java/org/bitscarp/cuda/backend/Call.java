package org.bitscarp.cuda.backend;

import java.util.ArrayList;
import java.util.List;
import org.bitscarp.cuda.driver.Block;
import org.bitscarp.cuda.driver.GpuFunction;
import org.bitscarp.cuda.driver.Grid;
import org.bitscarp.cuda.driver.KernelArguments;

/** One launch: arguments in the order of the kernel's parameters, each tensor with what the kernel does to it. */
final class Call {
    private final DeviceQueue queue;
    private final Lane lane;
    private final GpuFunction function;
    private final KernelArguments arguments = KernelArguments.start();
    private final List<DeviceBlock> reads = new ArrayList<>();
    private final List<DeviceBlock> writes = new ArrayList<>();

    Call(DeviceQueue queue, Lane lane, GpuFunction function) {
        this.queue = queue;
        this.lane = lane;
        this.function = function;
    }

    Call reads(DeviceTensor tensor) {
        reads.add(tensor.block());
        arguments.pointer(tensor.address());
        return this;
    }

    /** A tensor that is written, or read and written. */
    Call writes(DeviceTensor tensor) {
        writes.add(tensor.block());
        arguments.pointer(tensor.address());
        return this;
    }

    /** Memory of the lane's own, or 0 for none. */
    Call address(long address) {
        arguments.pointer(address);
        return this;
    }

    Call integer(int value) {
        arguments.integer(value);
        return this;
    }

    Call long64(long value) {
        arguments.long64(value);
        return this;
    }

    Call float32(float value) {
        arguments.float32(value);
        return this;
    }

    Call float64(double value) {
        arguments.float64(value);
        return this;
    }

    void launch(Grid grid, int threads) {
        launch(grid, threads, 0);
    }

    void launch(Grid grid, int threads, int sharedBytes) {
        queue.order(
                lane,
                reads,
                writes,
                () -> queue.driver().launch(function, grid, Block.of(threads), sharedBytes, lane.stream, arguments));
    }
}
