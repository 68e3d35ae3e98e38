package org.bitscarp.eval.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.DeviceMoments;
import org.bitscarp.compute.OuterProducts;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.gptq.Hessian;

/**
 * Sums of x·xᵀ over calibration windows, of every input of a layer. A unit's products go straight into the one sum, since
 * a copy for each lane would not fit ({@link MomentSum}).
 */
public final class HessianSums implements AutoCloseable {
    /** Rows and columns that are mirrored at a time: their cache lines are still there when the next row needs them. */
    private static final int BLOCK = 32;

    private record Input(TensorRole role, int expert) {}

    private final Backend backend;
    private final TensorMemory memory;
    private final Arena arena = Arena.ofShared();
    private final Map<Input, MomentSum> sums = new HashMap<>();
    private final List<DeviceMoments> onDevice = new ArrayList<>();
    private final Turns.Finished finished = new Turns.Finished();

    public HessianSums(Backend backend) {
        this.backend = backend;
        memory = backend.newMemory();
    }

    /** Adds what a unit sends through a map; waits for units before it. */
    public void add(int unit, TensorRole role, int expert, Tensor input) {
        MomentSum sum = sum(new Input(role, expert), input.columns());
        try (OuterProducts products = backend.outerProducts(input)) {
            sum.add(unit, finished, input.rows(), products);
        }
    }

    private synchronized MomentSum sum(Input input, int columns) {
        return sums.computeIfAbsent(input, key -> new MomentSum(backend, memory, columns));
    }

    /** A unit has gone through the layer, or failed: nobody waits for it any more. */
    public void finish(int unit) {
        finished.add(unit);
    }

    /** The means, by role and expert; an expert without tokens has none. They live until this is closed. */
    public synchronized Map<TensorRole, Map<Integer, Moments>> means() {
        Map<TensorRole, Map<Integer, Moments>> means = new HashMap<>();
        sums.forEach((input, sum) ->
                means.computeIfAbsent(input.role, role -> new HashMap<>()).put(input.expert, moments(sum)));
        return means;
    }

    /**
     * Second moments of one input.
     *
     * @param host fetched when a solver of the host asks for them
     * @param device where they were summed; null where the device does not quantize
     */
    public record Moments(Hessian host, DeviceMoments device) {}

    private Moments moments(MomentSum sum) {
        Tensor products = sum.products();
        DeviceMoments device = backend.quantizer()
                .map(quantizer -> quantizer.moments(products, sum.rows()))
                .orElse(null);
        if (device != null) {
            onDevice.add(device);
        }
        return new Moments(new Hessian(products.columns(), () -> mean(products, sum.rows()), arena), device);
    }

    /** Divides by the number of tokens and mirrors what lies above the diagonal. */
    private DenseMatrix mean(Tensor products, long rows) {
        int n = products.columns();
        MemorySegment values = arena.allocate(4L * n * n, 64);
        backend.download(products, values);
        float scale = (float) (1.0 / rows);
        for (int i = 0; i < n; i += BLOCK) {
            for (int j = i; j < n; j += BLOCK) {
                mean(values, n, scale, i, j);
            }
        }
        return new DenseMatrix(values, n, n);
    }

    /** The same for a block whose first element is (row, column). */
    private static void mean(MemorySegment values, int n, float scale, int row, int column) {
        for (int i = row; i < Math.min(n, row + BLOCK); i++) {
            for (int j = Math.max(i, column); j < Math.min(n, column + BLOCK); j++) {
                float mean = values.getAtIndex(JAVA_FLOAT, (long) i * n + j) * scale;
                values.setAtIndex(JAVA_FLOAT, (long) i * n + j, mean);
                values.setAtIndex(JAVA_FLOAT, (long) j * n + i, mean);
            }
        }
    }

    @Override
    public void close() {
        onDevice.forEach(DeviceMoments::close);
        memory.close();
        arena.close();
    }
}
