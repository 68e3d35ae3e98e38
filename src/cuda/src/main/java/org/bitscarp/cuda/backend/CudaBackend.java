package org.bitscarp.cuda.backend;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.bitscarp.compute.Activation;
import org.bitscarp.compute.AttentionShape;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.DeviceQuantizer;
import org.bitscarp.compute.LogitScorer;
import org.bitscarp.compute.LogitsThenScores;
import org.bitscarp.compute.MomentPrecision;
import org.bitscarp.compute.Operands;
import org.bitscarp.compute.PackedProducts;
import org.bitscarp.compute.Scores;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.compute.TopTokens;
import org.bitscarp.cuda.driver.DeviceMemory;
import org.bitscarp.cuda.driver.GpuDriver;
import org.bitscarp.quant.PackedMatrix;

/**
 * All operations on one GPU. This class checks operands and leaves out work on nothing; launches are in the classes beside
 * it.
 *
 * <p>Operations return when their work has been given to the device, except for those that hand something back. Two lanes
 * pay off: one moves hidden states while the other computes.
 */
public final class CudaBackend implements Backend {
    private static final int LANES = 2;
    /** Lanes beside those, for weights that come in while the others compute. */
    private static final int UPLOADS = 1;

    private final GpuDriver driver;
    private final DeviceMemory memory;
    private final DeviceQueue queue;
    private final KernelLibrary kernels;
    private final Launcher launcher;
    private final LayerKernels layers;
    private final SumKernels sums;
    private final ScoreKernels scores;
    private final TopKernels tops;
    private final Decoding decoding;
    private final CudaQuantizer quantizer;
    private final CudaPackedProducts packed;
    private final MatrixProduct product;
    private final ComputeType compute;
    private final int hostThreads;
    private final MomentPrecision moments;
    /** Closed with this backend if their owner could not: an allocation failed while it was being built. */
    private final List<DeviceTensors> memories = new CopyOnWriteArrayList<>();

    /** With second moments in fp32. */
    public CudaBackend(GpuDriver driver, long memoryCap, ComputeType compute, int hostThreads) {
        this(driver, memoryCap, compute, hostThreads, MomentPrecision.FP32);
    }

    /**
     * @param driver closed with this
     * @param memoryCap bytes of device memory that may be taken
     * @param compute arithmetic of matrix products
     * @param hostThreads threads for the host's share of the work
     * @param moments arithmetic of second moments, fp32 or compensated
     */
    public CudaBackend(
            GpuDriver driver, long memoryCap, ComputeType compute, int hostThreads, MomentPrecision moments) {
        if (moments == MomentPrecision.BF16) {
            throw new IllegalArgumentException("moments in bf16 are for CPUs that have it; a GPU sums them in fp32");
        }
        this.moments = moments;
        this.driver = driver;
        this.compute = compute;
        this.hostThreads = hostThreads;
        memory = new DeviceMemory(driver, memoryCap);
        queue = new DeviceQueue(driver, memory, LANES + UPLOADS);
        kernels = new KernelLibrary(driver);
        launcher = new Launcher(queue, kernels);
        layers = new LayerKernels(launcher);
        sums = new SumKernels(launcher);
        scores = new ScoreKernels(launcher);
        tops = new TopKernels(launcher);
        decoding = new Decoding(launcher);
        quantizer = new CudaQuantizer(launcher, this::tensors);
        packed = new CudaPackedProducts(launcher, compute);
        product = MatrixProducts.choose(driver, launcher, compute);
    }

    @Override
    public String name() {
        return driver.name();
    }

    @Override
    public String description() {
        return driver.name() + ", " + driver.device().name() + ", " + product.description();
    }

    /** Who multiplies matrices, and why nobody else. */
    public String product() {
        return product.description();
    }

    @Override
    public String computeType() {
        return compute.word();
    }

    @Override
    public int lanes() {
        return LANES;
    }

    @Override
    public int hostThreads() {
        return hostThreads;
    }

    /** Most bytes of device memory that were taken at the same time. */
    public long peakMemory() {
        return memory.peak();
    }

    @Override
    public long availableMemory() {
        return memory.available();
    }

    @Override
    public TensorMemory newMemory() {
        return tensors();
    }

    private DeviceTensors tensors() {
        DeviceTensors tensors = new DeviceTensors(queue, memories::remove);
        memories.add(tensors);
        return tensors;
    }

    @Override
    public void upload(MemorySegment host, Tensor target) {
        DeviceTensor t = DeviceTensor.of(target);
        queue.run(lane -> queue.order(
                lane, List.of(), List.of(t.block()), () -> lane.upload(host.asSlice(0, t.bytes()), t.address())));
    }

    @Override
    public void download(Tensor source, MemorySegment host) {
        DeviceTensor t = DeviceTensor.of(source);
        queue.run(lane -> queue.order(
                lane, List.of(t.block()), List.of(), () -> lane.download(t.address(), host.asSlice(0, t.bytes()))));
    }

    @Override
    public Optional<DeviceQuantizer> quantizer() {
        return Optional.of(quantizer);
    }

    @Override
    public Optional<PackedProducts> packedProducts() {
        return Optional.of(packed);
    }

    @Override
    public void clear(Tensor x) {
        DeviceTensor t = DeviceTensor.of(x);
        queue.clear(t.block(), t.address(), t.bytes());
    }

    @Override
    public void decode(PackedMatrix packed, int from, int to, Tensor target) {
        Operands.requireDecode(packed, from, to, target);
        if (from < to) {
            queue.run(lane -> decoding.decode(lane, packed, from, to, DeviceTensor.of(target)));
        }
    }

    @Override
    public void matmul(Tensor x, Tensor w, Tensor y) {
        Operands.requireMatmul(x, w, y);
        on(y, (lane, t) -> product.multiply(lane, DeviceTensor.of(x), DeviceTensor.of(w), t));
    }

    @Override
    public void addBias(Tensor x, Tensor bias) {
        Operands.requireBias(x, bias);
        on(x, (lane, t) -> layers.addBias(lane, t, DeviceTensor.of(bias)));
    }

    @Override
    public void add(Tensor x, Tensor y) {
        Operands.requireSameShape("add", x, y);
        on(x, (lane, t) -> layers.add(lane, t, DeviceTensor.of(y)));
    }

    @Override
    public void rmsNorm(Tensor x, Tensor gain, float epsilon, Tensor y) {
        Operands.requireRmsNorm(x, gain, y);
        on(x, (lane, t) -> layers.rmsNorm(lane, t, DeviceTensor.of(gain), epsilon, DeviceTensor.of(y)));
    }

    @Override
    public void layerNorm(Tensor x, Tensor gain, Tensor bias, float epsilon, Tensor y) {
        Operands.requireLayerNorm(x, gain, bias, y);
        on(
                x,
                (lane, t) -> layers.layerNorm(
                        lane, t, DeviceTensor.of(gain), DeviceTensor.of(bias), epsilon, DeviceTensor.of(y)));
    }

    @Override
    public void rope(Tensor x, int headDim, Tensor cos, Tensor sin) {
        Operands.requireRope(x, headDim, cos, sin);
        on(x, (lane, t) -> layers.rope(lane, t, headDim, DeviceTensor.of(cos), DeviceTensor.of(sin)));
    }

    @Override
    public void attention(Tensor q, Tensor k, Tensor v, AttentionShape shape, Tensor out) {
        Operands.requireAttention(q, k, v, shape, out);
        on(
                q,
                (lane, t) ->
                        layers.attention(lane, t, DeviceTensor.of(k), DeviceTensor.of(v), shape, DeviceTensor.of(out)));
    }

    @Override
    public void activate(Activation f, Tensor x) {
        on(x, (lane, t) -> layers.activate(lane, f, t));
    }

    @Override
    public void activateMultiply(Activation f, Tensor gate, Tensor up) {
        Operands.requireSameShape("gate", gate, up);
        on(gate, (lane, t) -> layers.activateMultiply(lane, f, t, DeviceTensor.of(up)));
    }

    @Override
    public void softCap(Tensor x, float cap) {
        on(x, (lane, t) -> layers.softCap(lane, t, cap));
    }

    @Override
    public void roundToInt8(Tensor x) {
        on(x, layers::roundToInt8);
    }

    @Override
    public void gatherRows(Tensor from, int[] rows, Tensor to) {
        Operands.requireRows("gather", rows, to, from);
        on(to, (lane, t) -> layers.gatherRows(lane, DeviceTensor.of(from), rows, t));
    }

    @Override
    public void placeTokens(Tensor x, float scale, Tensor positions, int first, int length) {
        if (positions != null) {
            Operands.requirePositions(x, positions, first, length);
        }
        DeviceTensor places = positions == null ? null : DeviceTensor.of(positions);
        on(x, (lane, t) -> layers.placeTokens(lane, t, scale, places, first, length));
    }

    @Override
    public void addScaledRows(Tensor x, int[] rows, float[] weights, Tensor y) {
        Operands.requireRows("add rows", rows, y, x);
        on(y, (lane, t) -> layers.addScaledRows(lane, DeviceTensor.of(x), rows, weights, t));
    }

    @Override
    public double squaredDistance(Tensor x, Tensor y) {
        Operands.requireSameShape("distance", x, y);
        return squaredDistance(DeviceTensor.of(x), DeviceTensor.of(y));
    }

    @Override
    public double squaredNorm(Tensor x) {
        return squaredDistance(DeviceTensor.of(x), null);
    }

    private double squaredDistance(DeviceTensor x, DeviceTensor y) {
        return x.size() == 0 ? 0 : queue.withLane(lane -> sums.squaredDistance(lane, x, y));
    }

    @Override
    public void addColumnSquares(Tensor x, double[] sums) {
        Operands.requireColumnSums(x, sums);
        on(x, (lane, t) -> this.sums.addColumnSquares(lane, t, sums));
    }

    @Override
    public void addOuterProducts(Tensor x, int first, int count, Tensor sums) {
        Operands.requireOuterProducts(x, first, count, sums);
        if (count > 0) {
            on(x, (lane, t) -> product.addOuterProducts(lane, t, first, count, DeviceTensor.of(sums)));
        }
    }

    @Override
    public MomentPrecision moments() {
        return moments;
    }

    @Override
    public void addCompensated(Tensor part, int first, int count, Tensor sums, Tensor low) {
        Operands.requireCompensated(part, first, count, sums, low);
        if (count > 0) {
            on(
                    part,
                    (lane, t) -> layers.addCompensated(
                            lane,
                            t.from(first, 0),
                            DeviceTensor.of(sums).from(first, 0),
                            DeviceTensor.of(low).from(first, 0),
                            (long) count * part.columns()));
        }
    }

    @Override
    public void scoreReference(Tensor logits, int firstToken, int[] targets, Scores scores, Tensor exponentials) {
        Operands.requireSameShape("score", logits, exponentials);
        on(
                logits,
                (lane, t) -> this.scores.scoreReference(
                        lane, t, firstToken, targets, scores, DeviceTensor.of(exponentials)));
    }

    @Override
    public void scoreAgainst(
            Tensor referenceLogits,
            Tensor exponentials,
            Scores reference,
            Tensor logits,
            int firstToken,
            int[] targets,
            Scores scores) {
        Operands.requireSameShape("score", logits, referenceLogits);
        Operands.requireSameShape("score", logits, exponentials);
        on(
                logits,
                (lane, t) -> this.scores.scoreAgainst(
                        lane,
                        DeviceTensor.of(referenceLogits),
                        DeviceTensor.of(exponentials),
                        reference,
                        t,
                        firstToken,
                        targets,
                        scores));
    }

    @Override
    public void keepTop(Tensor logits, int firstToken, TopTokens top) {
        on(logits, (lane, t) -> tops.keep(lane, t, firstToken, top));
    }

    @Override
    public LogitScorer newLogitScorer(TensorMemory memory, int rows, int vocabulary, boolean levels) {
        return product.scoring()
                .<LogitScorer>map(type -> new FusedLogits(launcher, type, memory, rows, vocabulary, levels))
                .orElseGet(() -> new LogitsThenScores(this, memory, rows, vocabulary));
    }

    @FunctionalInterface
    private interface Work {
        void run(Lane lane, DeviceTensor tensor);
    }

    /** Work that there is only where {@code extent} has elements. */
    private void on(Tensor extent, Work work) {
        DeviceTensor tensor = DeviceTensor.of(extent);
        if (tensor.size() > 0) {
            queue.run(lane -> work.run(lane, tensor));
        }
    }

    @Override
    public void close() {
        List<Runnable> steps = new ArrayList<>();
        memories.forEach(tensors -> steps.add(tensors::close));
        steps.add(driver::synchronize);
        steps.add(product::close);
        steps.add(kernels::close);
        steps.add(queue::close);
        steps.add(driver::close);
        Cleanup.all(steps);
    }
}
