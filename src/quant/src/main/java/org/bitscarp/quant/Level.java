package org.bitscarp.quant;

import java.util.List;

/**
 * How a model's weights are stored and how their codes are chosen: storage format × solver.
 *
 * <p>As text: {@code fp32}, {@code bf16}, {@code int4}, {@code int3:g64:sym:search}, {@code int4:row}, {@code nf4:g32},
 * {@code ternary:tensor}, {@code q4_k:search}. Left out are defaults: groups of 128 (64 for NF4), asymmetric
 * integers, solver {@code rtn}.
 *
 * @param format storage format of each weight matrix
 * @param solver what chooses scales, zero points and codes
 */
public record Level(BlockFormat format, Solver solver) {
    public Level {
        if (!solver.supports(format)) {
            throw new IllegalArgumentException(
                    "solver " + solver.name() + " has nothing to choose for format " + format.name());
        }
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
        return LevelParser.parseList(commaSeparated);
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

    /** The canonical text: {@code parse(level.toString())} equals the level. */
    @Override
    public String toString() {
        return solver == Solvers.RTN ? format.name() : format.name() + ":" + solver.name();
    }
}
