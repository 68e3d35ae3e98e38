package org.bitscarp.quant.gptq;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.HashMap;
import java.util.Map;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.gptq.TileProduct.View;
import org.bitscarp.quant.transform.Basis;
import org.bitscarp.quant.transform.BasisChange;

/**
 * What the inputs x̂ of a map behind quantized maps lack of those of full precision, x: D = mean of x̂·(x − x̂)ᵀ.
 *
 * <p>The asymmetric objective ‖Q·x̂ − W·x‖² (GPTAQ, arXiv 2504.02692, section 3) is, by its normal equations, the symmetric
 * one of other weights: (Q − W*)·H·(Q − W*)ᵀ for H = mean of x̂·x̂ᵀ and W* = W + W·Dᵀ·H⁻¹, and a rest that no Q changes. So a
 * solver of the one solves the other. GPTAQ itself goes there column by column, where each column's share is left to later
 * ones alone.
 *
 * <p>W* is a regression of what is lacking on the inputs, and like any it also fits what is chance in a calibration text. So
 * only that share of it is taken which would be left on other text: with R² of the squares explained by as many degrees of
 * freedom from so many tokens, (adjusted R²) / R². It goes from 0, where tokens are few for the channels, to 1. Safe for use by
 * several threads.
 */
public final class CrossMoments {
    /** @param share of what inputs lack that weights make up for */
    private record Aim(InverseFactor factor, double share) {}

    private final DenseMatrix values;
    private final double lacking;
    private final long tokens;
    private final SegmentAllocator memory;
    private final Map<Aim, DenseMatrix> corrections = new HashMap<>();

    /**
     * @param values D, [n, n]; stays as it is
     * @param lacking mean of ‖x − x̂‖²
     * @param tokens that the means are over
     * @param memory where corrections go, as long as this is used
     */
    public CrossMoments(DenseMatrix values, double lacking, long tokens, SegmentAllocator memory) {
        if (values.rows() != values.columns()) {
            throw new IllegalArgumentException(
                    "cross moments are square, found " + values.rows() + " × " + values.columns());
        }
        this.values = values;
        this.lacking = lacking;
        this.tokens = tokens;
        this.memory = memory;
    }

    /** Number of input channels. */
    public int size() {
        return values.rows();
    }

    /** D, [n, n]; to be read only. */
    public DenseMatrix values() {
        return values;
    }

    /**
     * Adds the products of some tokens to rows {@code [first, first + count)} of the sum of x̂·(x − x̂)ᵀ; every element is one
     * chain of multiply-adds in the order of tokens. Floor: 2·tokens·count·n operations.
     *
     * @param inputs x̂, [tokens, n]
     * @param surplus x̂ − x, [tokens, n]
     * @param sum [n, n]
     */
    public static void add(
            MemorySegment inputs, MemorySegment surplus, int tokens, int n, int first, int count, MemorySegment sum) {
        TileProduct.subtract(
                count,
                n,
                tokens,
                View.of(inputs, n, 0, first).transposed(),
                View.of(surplus, n, 0, 0),
                View.of(sum, n, first, 0));
    }

    /**
     * Those of the same inputs in another basis, T·D·Tᵀ.
     *
     * @param growth of the inputs' squares, which what is lacking is taken to share
     */
    public CrossMoments in(Basis basis, double growth, SegmentAllocator memory) {
        DenseMatrix moved = new DenseMatrix(memory.allocate(4 * values.size(), 64), size(), size());
        BasisChange.moments(basis, values, moved);
        return new CrossMoments(moved, growth * lacking, tokens, memory);
    }

    /**
     * −α·Dᵀ·(H + λI)⁻¹ without what is chance, the negated change of weights for each unit of weight. The solver's own damping λ keeps what is chance
     * in a calibration text from moving weights along directions that inputs hardly have. Floor: 4·n³ operations, once for
     * all maps that read the same inputs.
     *
     * @param factor U with (H + λI)⁻¹ = UᵀU
     * @param share α, of what inputs lack
     */
    DenseMatrix negatedCorrection(InverseFactor factor, double share) {
        synchronized (corrections) {
            return corrections.computeIfAbsent(new Aim(factor, share), aim -> negatedCorrection(aim));
        }
    }

    private DenseMatrix negatedCorrection(Aim aim) {
        int n = size();
        DenseMatrix correction = new DenseMatrix(memory.allocate(4 * values.size(), 64), n, n);
        correction.data().fill((byte) 0);
        try (Arena arena = Arena.ofConfined()) {
            DenseMatrix unpacked = new DenseMatrix(arena.allocate(4 * values.size(), 64), n, n);
            aim.factor.upper().unpack(unpacked);
            View upper = View.of(unpacked.data(), n, 0, 0);
            View half = View.of(arena.allocate(4 * values.size(), 64), n, 0, 0);
            TileProduct.subtract(n, n, n, upper, View.of(values.data(), n, 0, 0), half);
            float share = (float) (-aim.share * beyondChance(squares(half.data()), squares(upper.data()), aim.factor));
            for (int i = 0; i < n; i++) {
                TileProduct.scale(n, share, half.data(), (long) i * n);
            }
            TileProduct.subtractTriangular(n, n, half.transposed(), upper, View.of(correction.data(), n, 0, 0));
        }
        return correction;
    }

    /**
     * (adjusted R²) / R² of the regression, at least 0.
     *
     * @param explained mean of the squares that it explains, tr(Dᵀ·(H + λI)⁻¹·D)
     * @param trace of (H + λI)⁻¹
     */
    private double beyondChance(double explained, double trace, InverseFactor factor) {
        // tr(H·(H + λI)⁻¹), what n predictors are worth under ridge regression (Hastie et al. 2009, section 3.4.1).
        double freedom = size() - factor.lambda() * trace;
        if (!(explained > 0) || tokens <= freedom) {
            return 0;
        }
        double chance = Math.max(0, lacking - explained) / explained * freedom / (tokens - freedom);
        return Math.max(0, 1 - chance);
    }

    private static double squares(MemorySegment values) {
        double sum = 0;
        for (long i = 0; i < values.byteSize() / 4; i++) {
            double value = values.getAtIndex(JAVA_FLOAT, i);
            sum += value * value;
        }
        return sum;
    }
}
