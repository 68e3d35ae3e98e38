package org.bitscarp.cuda.backend;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.bitscarp.cuda.cublas.Cublas;

/** Products of cuBLAS, whose matrices are column-major: a row-major [r, c] is its [c, r]. */
final class CublasProduct implements MatrixProduct {
    private final DeviceQueue queue;
    private final Cublas cublas;
    private final ComputeType compute;
    private final Cublas.Arithmetic arithmetic;
    private final Map<Lane, Cublas.Handle> handles = new ConcurrentHashMap<>();

    CublasProduct(DeviceQueue queue, Cublas cublas, ComputeType compute) {
        this.queue = queue;
        this.cublas = cublas;
        this.compute = compute;
        arithmetic = Cublas.Arithmetic.valueOf(compute.name());
    }

    @Override
    public String description() {
        return cublas.description();
    }

    /** yᵀ [n, m] = w·xᵀ, w given as its transpose [k, n] and x as [k, m]. */
    @Override
    public void multiply(Lane lane, DeviceTensor x, DeviceTensor w, DeviceTensor y) {
        int k = x.columns();
        int n = w.rows();
        queue.order(
                lane,
                List.of(x.block(), w.block()),
                List.of(y.block()),
                () -> handle(lane)
                        .multiply(new Cublas.Product(
                                n,
                                x.rows(),
                                k,
                                Cublas.Matrix.transpose(w.address(), k),
                                Cublas.Matrix.plain(x.address(), k),
                                0,
                                Cublas.Matrix.plain(y.address(), n),
                                Cublas.Storage.FP32,
                                arithmetic)));
    }

    /** The panel's transpose [N − first, count] += X[first…]·X[first … first + count]ᵀ with X = xᵀ [N, rows]. */
    @Override
    public void addOuterProducts(Lane lane, DeviceTensor x, int first, int count, DeviceTensor sums) {
        int n = x.columns();
        long from = x.address() + 4L * first;
        long target = sums.address() + 4 * ((long) first * n + first);
        queue.order(
                lane,
                List.of(x.block()),
                List.of(sums.block()),
                () -> handle(lane)
                        .multiply(new Cublas.Product(
                                n - first,
                                count,
                                x.rows(),
                                Cublas.Matrix.plain(from, n),
                                Cublas.Matrix.transpose(from, n),
                                1,
                                Cublas.Matrix.plain(target, n),
                                Cublas.Storage.FP32,
                                Cublas.Arithmetic.FP32)));
    }

    /**
     * On tensor cores the five passes over the logits that are saved take about half the time of a product with 4096 hidden
     * columns, if both reach what the device can do, so our own product may be a third slower before it loses. In fp32 they
     * are some 4 % of it, and our own would have to be as fast as the library's.
     */
    @Override
    public Optional<DenseType> scoring() {
        boolean cores = queue.driver().device().computeCapability() >= TensorCores.CAPABILITY;
        return compute == ComputeType.FP32 || !cores
                ? Optional.empty()
                : Optional.of(DenseType.valueOf(compute.name()));
    }

    private Cublas.Handle handle(Lane lane) {
        queue.driver().makeCurrent();
        return handles.computeIfAbsent(lane, l -> cublas.open(l.stream));
    }

    @Override
    public void close() {
        List<Runnable> steps = new ArrayList<>();
        handles.values().forEach(handle -> steps.add(handle::close));
        Cleanup.all(steps);
    }
}
