package org.bitscarp.compute;

import java.lang.foreign.MemorySegment;
import java.util.Optional;
import org.bitscarp.compute.internal.ActivationOps;
import org.bitscarp.compute.internal.Attention;
import org.bitscarp.compute.internal.Gemm;
import org.bitscarp.compute.internal.HostBackend;
import org.bitscarp.compute.internal.HostMoments;
import org.bitscarp.compute.internal.NormOps;
import org.bitscarp.compute.internal.OpenBlasGemm;
import org.bitscarp.compute.internal.VectorGemm;
import org.bitscarp.compute.internal.VectorOps;

/** fp32 on the CPU: matrix products by OpenBLAS or in Java, all else with the Vector API. */
public final class CpuBackend extends HostBackend {
    private final Gemm gemm;
    private final Attention attention;
    private final int lanes;
    private final String gemmReason;
    /** Null until somebody asks: libraries for it are loaded for those who calibrate only. */
    private HostMoments moments;

    private CpuBackend(Gemm gemm, String gemmReason, int lanes, HostMoments moments) {
        this.gemm = gemm;
        this.gemmReason = gemmReason;
        this.lanes = lanes;
        this.moments = moments;
        attention = new Attention(gemm);
    }

    /** Which matrix product to use. */
    public enum MatrixProduct {
        /** OpenBLAS where it loads, else Java. */
        AUTO,
        OPENBLAS,
        JAVA
    }

    /**
     * With moments in fp32.
     *
     * @param lanes threads that will call, at least 1
     * @throws IllegalStateException when OpenBLAS is asked for by name and does not load
     */
    public static CpuBackend create(MatrixProduct product, int lanes) {
        return create(product, lanes, Optional.of(MomentPrecision.FP32));
    }

    /**
     * @param lanes threads that will call, at least 1
     * @param moments arithmetic of second moments; empty for bf16 where this CPU has it and libraries are wanted at all, which is
     *     found out when moments are first asked for, and fp32 elsewhere
     * @throws IllegalStateException when something asked for by name does not load
     */
    public static CpuBackend create(MatrixProduct product, int lanes, Optional<MomentPrecision> moments) {
        HostMoments chosen = moments.or(
                        () -> product == MatrixProduct.JAVA ? Optional.of(MomentPrecision.FP32) : Optional.empty())
                .map(CpuBackend::byName)
                .orElse(null);
        if (product == MatrixProduct.JAVA) {
            return new CpuBackend(new VectorGemm(), "", lanes, chosen);
        }
        try {
            return new CpuBackend(OpenBlasGemm.load(), "", lanes, chosen);
        } catch (LinkageError e) {
            if (product == MatrixProduct.OPENBLAS) {
                throw new IllegalStateException("OpenBLAS does not load: " + e.getMessage(), e);
            }
            return new CpuBackend(new VectorGemm(), "OpenBLAS does not load: " + e.getMessage(), lanes, chosen);
        }
    }

    private static HostMoments byName(MomentPrecision precision) {
        try {
            return HostMoments.in(precision);
        } catch (LinkageError e) {
            throw new IllegalStateException("moments in " + precision.word() + ": " + e.getMessage(), e);
        }
    }

    private synchronized HostMoments chosenMoments() {
        if (moments == null) {
            moments = HostMoments.preferred();
        }
        return moments;
    }

    /** One lane per processor. */
    public static CpuBackend create() {
        return create(MatrixProduct.AUTO, Runtime.getRuntime().availableProcessors());
    }

    /** Width of the vectors that operations are compiled for. */
    public static int vectorBits() {
        return jdk.incubator.vector.FloatVector.SPECIES_PREFERRED.vectorBitSize();
    }

    /** Why the matrix product is not the preferred one; empty when it is. */
    public String fallbackReason() {
        return gemmReason;
    }

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public String description() {
        return "cpu, " + lanes + (lanes == 1 ? " thread, " : " threads, ") + gemm.name();
    }

    @Override
    public int lanes() {
        return lanes;
    }

    @Override
    public void matmul(Tensor x, Tensor w, Tensor y) {
        Operands.requireMatmul(x, w, y);
        if (x.rows() > 0 && w.rows() > 0) {
            gemm.multiply(x.rows(), w.rows(), x.columns(), panel(x), panel(w), true, panel(y));
        }
    }

    @Override
    public void addBias(Tensor x, Tensor bias) {
        Operands.requireBias(x, bias);
        for (int row = 0; row < x.rows(); row++) {
            VectorOps.add(host(x).data(), at(x, row), host(bias).data(), 0, x.columns());
        }
    }

    @Override
    public void add(Tensor x, Tensor y) {
        Operands.requireSameShape("add", x, y);
        VectorOps.add(host(x).data(), 0, host(y).data(), 0, host(x).size());
    }

    @Override
    public void rmsNorm(Tensor x, Tensor gain, float epsilon, Tensor y) {
        Operands.requireRmsNorm(x, gain, y);
        for (int row = 0; row < x.rows(); row++) {
            double mean = VectorOps.squaredNorm(host(x).data(), at(x, row), x.columns()) / x.columns();
            float inverse = (float) (1 / Math.sqrt(mean + epsilon));
            VectorOps.scale(
                    host(x).data(), at(x, row), inverse, host(gain).data(), host(y).data(), at(y, row), x.columns());
        }
    }

    @Override
    public void layerNorm(Tensor x, Tensor gain, Tensor bias, float epsilon, Tensor y) {
        Operands.requireLayerNorm(x, gain, bias, y);
        for (int row = 0; row < x.rows(); row++) {
            NormOps.layerNorm(
                    host(x).data(),
                    at(x, row),
                    host(gain).data(),
                    host(bias).data(),
                    epsilon,
                    host(y).data(),
                    x.columns());
        }
    }

    @Override
    public void rope(Tensor x, int headDim, Tensor cos, Tensor sin) {
        Operands.requireRope(x, headDim, cos, sin);
        int half = cos.columns();
        for (int row = 0; row < x.rows(); row++) {
            long angles = (long) (row % cos.rows()) * half;
            for (int head = 0; head < x.columns(); head += headDim) {
                long at = at(x, row) + head;
                VectorOps.rotate(host(x).data(), at, host(cos).data(), host(sin).data(), angles, half);
            }
        }
    }

    @Override
    public void attention(Tensor q, Tensor k, Tensor v, AttentionShape shape, Tensor out) {
        Operands.requireAttention(q, k, v, shape, out);
        attention.run(host(q), host(k), host(v), shape, host(out));
    }

    @Override
    public void activate(Activation f, Tensor x) {
        ActivationOps.activate(f, host(x).data(), 0, host(x).size());
    }

    @Override
    public void activateMultiply(Activation f, Tensor gate, Tensor up) {
        Operands.requireSameShape("gate", gate, up);
        ActivationOps.activateMultiply(
                f, host(gate).data(), host(up).data(), host(gate).size());
    }

    @Override
    public void softCap(Tensor x, float cap) {
        ActivationOps.softCap(host(x).data(), 0, 1, cap, host(x).size());
    }

    @Override
    public void roundToInt8(Tensor x) {
        for (int row = 0; row < x.rows(); row++) {
            NormOps.roundToInt8(host(x).data(), at(x, row), x.columns());
        }
    }

    @Override
    public void gatherRows(Tensor from, int[] rows, Tensor to) {
        Operands.requireRows("gather", rows, to, from);
        for (int row = 0; row < to.rows(); row++) {
            MemorySegment.copy(
                    host(from).data(), 4 * at(from, rows[row]), host(to).data(), 4 * at(to, row), 4L * to.columns());
        }
    }

    @Override
    public void addScaledRows(Tensor x, int[] rows, float[] weights, Tensor y) {
        Operands.requireRows("add rows", rows, y, x);
        for (int row = 0; row < y.rows(); row++) {
            VectorOps.addScaled(
                    host(x).data(), at(x, rows[row]), weights[row], host(y).data(), at(y, row), y.columns());
        }
    }

    @Override
    public double squaredDistance(Tensor x, Tensor y) {
        Operands.requireSameShape("distance", x, y);
        return VectorOps.squaredDistance(host(x).data(), host(y).data(), host(x).size());
    }

    @Override
    public double squaredNorm(Tensor x) {
        return VectorOps.squaredNorm(host(x).data(), 0, host(x).size());
    }

    @Override
    public void addColumnSquares(Tensor x, double[] sums) {
        Operands.requireColumnSums(x, sums);
        for (int row = 0; row < x.rows(); row++) {
            VectorOps.addSquares(host(x).data(), at(x, row), sums);
        }
    }

    @Override
    public void addOuterProducts(Tensor x, int first, int count, Tensor sums) {
        Operands.requireOuterProducts(x, first, count, sums);
        int n = x.columns();
        if (x.rows() > 0 && count > 0) {
            Gemm.Panel rows = new Gemm.Panel(host(x).data(), first, n);
            gemm.addSquare(count, x.rows(), rows, new Gemm.Panel(host(sums).data(), (long) first * n + first, n));
            int rest = first + count;
            if (rest < n) {
                gemm.addTransposed(
                        count,
                        n - rest,
                        x.rows(),
                        rows,
                        new Gemm.Panel(host(x).data(), rest, n),
                        new Gemm.Panel(host(sums).data(), (long) first * n + rest, n));
            }
        }
    }

    @Override
    public MomentPrecision moments() {
        return chosenMoments().precision();
    }

    @Override
    public String momentsDescription() {
        return chosenMoments().description();
    }

    @Override
    public OuterProducts outerProducts(Tensor x) {
        return moments() == MomentPrecision.BF16 ? chosenMoments().outerProducts(host(x)) : super.outerProducts(x);
    }

    @Override
    public void addCompensated(Tensor part, int first, int count, Tensor sums, Tensor low) {
        Operands.requireCompensated(part, first, count, sums, low);
        VectorOps.addCompensated(
                host(part).data(), host(sums).data(), host(low).data(), at(part, first), (long) count * part.columns());
    }

    @Override
    public void scoreReference(Tensor logits, int firstToken, int[] targets, Scores scores, Tensor exponentials) {
        Operands.requireSameShape("score", logits, exponentials);
        HostLogits.scoreReference(host(logits), firstToken, targets, scores, host(exponentials));
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
        HostLogits.scoreAgainst(
                host(referenceLogits), host(exponentials), reference, host(logits), firstToken, targets, scores);
    }

    @Override
    public void keepTop(Tensor logits, int firstToken, TopTokens top) {
        HostLogits.keepTop(host(logits), firstToken, top);
    }

    private static Gemm.Panel panel(Tensor t) {
        return Gemm.Panel.of(host(t));
    }

    private static long at(Tensor t, int row) {
        return (long) row * t.columns();
    }
}
