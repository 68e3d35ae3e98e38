package org.bitscarp.quant;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * How a model's weights are stored and how their codes are chosen: storage format × solver × transform.
 *
 * <p>As text: {@code fp32}, {@code bf16}, {@code int4}, {@code int3:g64:sym:search}, {@code int4:row}, {@code nf4:g32},
 * {@code ternary:tensor}, {@code q4_k:search}, {@code int3:hadamard:gptq}. Left out are defaults: groups of 128 (64 for
 * NF4), asymmetric integers, no transform, solver {@code rtn}.
 *
 * @param format storage format of each weight matrix
 * @param solver what chooses scales, zero points and codes
 * @param transform what is done to weights first
 */
public record Level(BlockFormat format, Solver solver, Transform transform) {
    public Level {
        if (!solver.supports(format)) {
            throw new IllegalArgumentException(
                    "solver " + solver.name() + " has nothing to choose for format " + format.name());
        }
    }

    /** Weights as they are. */
    public Level(BlockFormat format, Solver solver) {
        this(format, solver, Transform.IDENTITY);
    }

    /**
     * Reads a level string, in any case, with the words after the first in any order.
     *
     * @throws LevelException when it cannot be read
     */
    public static Level parse(String text) {
        return LevelParser.parse(text);
    }

    /**
     * Reads levels separated by commas, in the order given.
     *
     * @throws LevelException when one cannot be read or stands there twice
     */
    public static List<Level> parseList(String commaSeparated) {
        return parseList(commaSeparated, Level::parse);
    }

    /** The same of anything that a text stands for. */
    public static <T> List<T> parseList(String commaSeparated, Function<String, T> one) {
        return LevelParser.parseList(commaSeparated, one);
    }

    /** The levels of a sweep that names none, from most to fewest bits. */
    public static List<Level> defaults() {
        return parseList("fp32,fp16,bf16,int8,int4,int3,int2,ternary");
    }

    /**
     * Whether embedding and output head are stored in this format too. Only plain number formats do that; the others
     * store the linear maps of the layers, and embedding and head stay in the checkpoint's own type, at most 16 bits.
     */
    public boolean quantizesEmbedding() {
        return !format.fitted();
    }

    /** Whether calibration text makes a difference. */
    public boolean calibrated() {
        return solver.calibrated() || transform.channelScales();
    }

    /**
     * Whether second moments of the inputs are of use: mean squares alone do not tell what they are in a rotated basis.
     */
    public boolean usesHessian() {
        return needsHessian() || calibrated() && transform.rotation() != Transform.Rotation.NONE;
    }

    /** Whether there has to be calibration text, for second moments of the inputs. */
    public boolean needsHessian() {
        return solver.needsHessian() || transform.channelScales();
    }

    /** Whether each level's own quantized maps make the inputs that its solver goes by, see {@link Solver#sequential}. */
    public boolean sequential() {
        return solver.sequential();
    }

    /** Whether its solver aims at what the full-precision model computes, see {@link Solver#asymmetric}. */
    public boolean asymmetric() {
        return solver.asymmetric();
    }

    /** The canonical text: {@code parse(level.toString())} equals the level. */
    @Override
    public String toString() {
        List<String> words = new ArrayList<>();
        words.add(format.name());
        words.addAll(transform.words());
        if (solver != Solvers.RTN) {
            words.add(solver.name());
        }
        return String.join(":", words);
    }
}
