package org.bitscarp.compute;

import java.lang.foreign.MemorySegment;
import org.bitscarp.quant.PackedMatrix;

/**
 * The tensor operations of a decoder-only transformer and of its evaluation, on one device.
 *
 * <p>Shapes are {@code [rows, columns]}. Linear maps are stored {@code [out, in]}. Operations work on the calling thread
 * and may run at the same time on different threads as long as they do not write the same tensors; {@link #lanes} tells
 * how many callers pay off. The result of an operation depends on its arguments alone, never on how many lanes run, so
 * the same command gives the same bytes.
 */
public interface Backend extends AutoCloseable {
    /** One word: {@code cpu}, {@code scalar}. */
    String name();

    /** For reports: what exactly computes. */
    String description();

    /** Type of the arithmetic, e.g. {@code fp32}. */
    String computeType();

    /** Number of threads that may call operations at the same time with profit. */
    int lanes();

    TensorMemory newMemory();

    /** Copies {@code rows × columns} native-order floats into a tensor. */
    void upload(MemorySegment host, Tensor target);

    /** Copies a tensor's floats to host memory. */
    void download(Tensor source, MemorySegment host);

    /** Decodes rows {@code [from, to)} of a packed matrix into the same rows of {@code target}. */
    void decode(PackedMatrix packed, int from, int to, Tensor target);

    /** y = x·wᵀ; x is [m, k], w is [n, k], y is [m, n]. */
    void matmul(Tensor x, Tensor w, Tensor y);

    /** x += bias for each row; bias is [1, n]. */
    void addBias(Tensor x, Tensor bias);

    /** x += y. */
    void add(Tensor x, Tensor y);

    /** y = x / √(mean(x²) + epsilon) · gain per row (Zhang and Sennrich 2019, equation 4); gain is [1, n]. */
    void rmsNorm(Tensor x, Tensor gain, float epsilon, Tensor y);

    /**
     * Rotates each pair of each head in place (Su et al. 2021, equation 34). Row r of x is position
     * {@code r mod cos.rows()}.
     *
     * @param x [w × length, heads × headDim]
     * @param cos [length, headDim / 2]
     * @param sin [length, headDim / 2]
     * @param interleaved whether pairs are (2i, 2i+1), else (i, i + headDim/2)
     */
    void rope(Tensor x, Tensor cos, Tensor sin, boolean interleaved);

    /**
     * Causal softmax attention within each window.
     *
     * @param q [w × length, heads × headDim]
     * @param k [w × length, kvHeads × headDim]
     * @param v [w × length, kvHeads × headDim]
     * @param out [w × length, heads × headDim]; may not be q, k or v
     */
    void attention(Tensor q, Tensor k, Tensor v, AttentionShape shape, Tensor out);

    /** gate = silu(gate) · up, silu(x) = x / (1 + e⁻ˣ) (SwiGLU, Shazeer 2020). */
    void siluMultiply(Tensor gate, Tensor up);

    /** Σ (x − y)² over all elements. */
    double squaredDistance(Tensor x, Tensor y);

    /** Σ x² over all elements. */
    double squaredNorm(Tensor x);

    /** sums[i] += Σ over rows of x[row, i]²; sums is {@code x.columns()} long. What a calibration counts. */
    void addColumnSquares(Tensor x, double[] sums);

    /**
     * Takes one slice of a reference's logits into its statistics.
     *
     * @param logits [rows, n], the logits of tokens {@code firstToken … firstToken + n − 1}
     * @param targets the next token of each row, or −1 where none is scored
     * @param exponentials [rows, n], receives exp(logit − current maximum), for {@link #scoreAgainst}
     */
    void scoreReference(Tensor logits, int firstToken, int[] targets, Scores scores, Tensor exponentials);

    /**
     * Takes the same slice of a level's logits into its statistics, and its cross term with the reference. To be called
     * after {@link #scoreReference} of that slice.
     */
    void scoreAgainst(
            Tensor referenceLogits,
            Tensor exponentials,
            Scores reference,
            Tensor logits,
            int firstToken,
            int[] targets,
            Scores scores);

    @Override
    void close();
}
