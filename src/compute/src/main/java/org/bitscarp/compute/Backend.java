package org.bitscarp.compute;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
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

    /** Threads for what the host does beside the operations: reading and quantizing weights. */
    default int hostThreads() {
        return lanes();
    }

    /** Bytes that tensors may still take; without limit where they are in host memory, which has a budget of its own. */
    default long availableMemory() {
        return Long.MAX_VALUE;
    }

    TensorMemory newMemory();

    /** Copies {@code rows × columns} native-order floats into a tensor. */
    void upload(MemorySegment host, Tensor target);

    /** Copies a tensor's floats to host memory. */
    void download(Tensor source, MemorySegment host);

    /** Who quantizes matrices on the device; empty where the host's memory is the backend's. */
    default Optional<DeviceQuantizer> quantizer() {
        return Optional.empty();
    }

    /** Who multiplies weights that stay packed; empty where they are decoded first in any case. */
    default Optional<PackedProducts> packedProducts() {
        return Optional.empty();
    }

    /** x = 0. */
    void clear(Tensor x);

    /** Decodes rows {@code [from, to)} of a packed matrix into the same rows of {@code target}. */
    void decode(PackedMatrix packed, int from, int to, Tensor target);

    /** y = x·wᵀ; x is [m, k], w is [n, k], y is [m, n]. */
    void matmul(Tensor x, Tensor w, Tensor y);

    /** x += bias for each row; bias is [1, n]. */
    void addBias(Tensor x, Tensor bias);

    /** x += y. */
    void add(Tensor x, Tensor y);

    /** y = x / √(mean(x²) + epsilon) · gain per row (Zhang and Sennrich 2019, equation 4); gain is [1, n]. x and y may be the same. */
    void rmsNorm(Tensor x, Tensor gain, float epsilon, Tensor y);

    /**
     * y = (x − mean(x)) / √(variance(x) + epsilon) · gain + bias per row, the variance divided by n (Ba et al. 2016,
     * equation 4); gain and bias are [1, n]. x and y may be the same.
     */
    void layerNorm(Tensor x, Tensor gain, Tensor bias, float epsilon, Tensor y);

    /**
     * Rotates each pair of each head in place (Su et al. 2021, equation 34). Row r of x is position
     * {@code r mod cos.rows()}. Pairs are (i, i + pairs); values of a head beyond {@code 2 × pairs} stay.
     *
     * @param x [w × length, heads × headDim]
     * @param headDim columns of one head, at least {@code 2 × cos.columns()}
     * @param cos [length, pairs]
     * @param sin [length, pairs]
     */
    void rope(Tensor x, int headDim, Tensor cos, Tensor sin);

    /**
     * Causal softmax attention within each window of rows; temperature, soft cap and visible span as the shape says.
     *
     * @param q [w × length, heads × headDim]
     * @param k [w × length, kvHeads × headDim]
     * @param v [w × length, kvHeads × headDim]
     * @param out [w × length, heads × headDim]; may not be q, k or v
     */
    void attention(Tensor q, Tensor k, Tensor v, AttentionShape shape, Tensor out);

    /** x = f(x). */
    void activate(Activation f, Tensor x);

    /** gate = f(gate) · up (Shazeer 2020). */
    void activateMultiply(Activation f, Tensor gate, Tensor up);

    /** x = cap · tanh(x / cap) (Gemma 2, arXiv 2408.00118, section 2). */
    void softCap(Tensor x, float cap);

    /**
     * Rounds each row to 8 bits and back: with s = 127 / max(|x|, 1e-5), x = clamp(round(x·s), −128, 127) / s, halves to
     * even (BitNet b1.58, arXiv 2402.17764, section 2, as in transformers' {@code BitLinear}).
     */
    void roundToInt8(Tensor x);

    /** Row i of {@code to} = row {@code rows[i]} of {@code from}, for all rows of {@code to}. */
    void gatherRows(Tensor from, int[] rows, Tensor to);

    /**
     * x[r] = x[r] · scale + positions[first + r mod length], product and sum rounded one after the other: what embeddings of
     * tokens go through before the first layer.
     *
     * @param positions [·, x.columns()], or null where positions are not learned
     * @param length rows of {@code x} in a sequence
     */
    void placeTokens(Tensor x, float scale, Tensor positions, int first, int length);

    /** Row {@code rows[i]} of {@code x} += {@code weights[i]} × row i of {@code y}, for all rows of {@code y}. */
    void addScaledRows(Tensor x, int[] rows, float[] weights, Tensor y);

    /** Σ (x − y)² over all elements. */
    double squaredDistance(Tensor x, Tensor y);

    /** Σ x² over all elements. */
    double squaredNorm(Tensor x);

    /** sums[i] += Σ over rows of x[row, i]²; sums is {@code x.columns()} long. What a calibration counts. */
    void addColumnSquares(Tensor x, double[] sums);

    /**
     * Adds rows {@code [first, first + count)} of xᵀ·x, from the diagonal on: {@code sums[i][j] += Σ over rows of
     * x[·][i]·x[·][j]} for j ≥ i. What lies below the diagonal, in these rows and columns, is of no use.
     *
     * @param sums [x.columns(), x.columns()]
     */
    void addOuterProducts(Tensor x, int first, int count, Tensor sums);

    /** Arithmetic of the second moments that a calibration sums here. */
    default MomentPrecision moments() {
        return MomentPrecision.FP32;
    }

    /** The same for reports: what computes it, and why not in what would be faster. */
    default String momentsDescription() {
        return moments().word();
    }

    /** The outer products of x, in the arithmetic of {@link #moments()}. */
    default OuterProducts outerProducts(Tensor x) {
        return (first, count, sums) -> addOuterProducts(x, first, count, sums);
    }

    /**
     * Moves rows {@code [first, first + count)} of a part into a sum of two numbers each: {@code sums + low += part}, where sums
     * is the rounded sum and low collects what its roundings leave out, exactly as long as low itself needs no rounding
     * (TwoSum: Knuth, The Art of Computer Programming 2, section 4.2.2, theorem B). The part's rows are 0 afterwards.
     *
     * @param part of the shape of both
     */
    void addCompensated(Tensor part, int first, int count, Tensor sums, Tensor low);

    /**
     * Takes one slice of a reference's logits into its statistics.
     *
     * @param logits [rows, n], the logits of tokens {@code firstToken … firstToken + n − 1}
     * @param targets the next token of each row, or −1 where none is scored
     * @param exponentials [rows, n], receives exp(logit − m) for {@link #scoreAgainst}; m is the backend's choice, such
     *     as the maximum so far or that of the slice
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

    /**
     * Offers one slice of logits to the most likely tokens of each row. This version copies the slice to the host, so it
     * is right on every device; a backend with its logits at hand overrides it.
     *
     * @param logits [rows, n], the logits of tokens {@code firstToken … firstToken + n − 1}
     */
    default void keepTop(Tensor logits, int firstToken, TopTokens top) {
        int columns = logits.columns();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(4L * logits.rows() * columns, 64);
            download(logits, host);
            for (int row = 0; row < logits.rows(); row++) {
                for (int i = 0; i < columns; i++) {
                    top.offer(row, host.getAtIndex(ValueLayout.JAVA_FLOAT, (long) row * columns + i), firstToken + i);
                }
            }
        }
    }

    /**
     * What scores tokens for one caller.
     *
     * @param memory that its tensors live in
     * @param rows at most
     * @param vocabulary entries that there are
     * @param levels whether levels follow the reference; else {@link LogitScorer#against} is never called
     */
    default LogitScorer newLogitScorer(TensorMemory memory, int rows, int vocabulary, boolean levels) {
        return new LogitsThenScores(this, memory, rows, vocabulary);
    }

    @Override
    void close();
}
