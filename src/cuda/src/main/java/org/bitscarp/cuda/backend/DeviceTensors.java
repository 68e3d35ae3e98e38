package org.bitscarp.cuda.backend;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;

/** Tensors in device memory that are freed together. */
final class DeviceTensors implements TensorMemory {
    private final DeviceQueue queue;
    private final Consumer<DeviceTensors> closed;
    private final List<DeviceBlock> blocks = new ArrayList<>();

    /** @param closed told when these have been freed */
    DeviceTensors(DeviceQueue queue, Consumer<DeviceTensors> closed) {
        this.queue = queue;
        this.closed = closed;
    }

    @Override
    public synchronized Tensor allocate(int rows, int columns) {
        DeviceBlock block = queue.allocate(4L * rows * columns, "a tensor of " + rows + " × " + columns);
        blocks.add(block);
        return new DeviceTensor(block, 0, rows, columns);
    }

    /** Waits for the device first, which may still work on them. */
    @Override
    public synchronized void close() {
        List<Runnable> steps = new ArrayList<>();
        if (!blocks.isEmpty()) {
            steps.add(queue.driver()::synchronize);
        }
        blocks.forEach(block -> steps.add(block::close));
        steps.add(() -> closed.accept(this));
        try {
            Cleanup.all(steps);
        } finally {
            blocks.clear();
        }
    }
}
