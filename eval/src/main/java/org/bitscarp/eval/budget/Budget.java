package org.bitscarp.eval.budget;

import java.util.Locale;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.LevelException;
import org.bitscarp.quant.Solver;
import org.bitscarp.quant.Solvers;

/**
 * A limit on the size of the layers' linear maps, as text {@code 3bpw}, {@code 2.75bpw:rtn}.
 *
 * @param bitsPerWeight of all linear maps together; embedding and output projection are not counted
 * @param solver that chooses codes; error feedback unless said otherwise
 */
public record Budget(double bitsPerWeight, Solver solver) {
    private static final String UNIT = "bpw";

    /** @throws LevelException for what is not {@code <number>bpw[:solver]} with a number between 1 and 16 */
    public static Budget parse(String text) {
        String[] words = text.strip().toLowerCase(Locale.ROOT).split(":", 2);
        String number = words[0].endsWith(UNIT) ? words[0].substring(0, words[0].length() - UNIT.length()) : words[0];
        double bits;
        try {
            bits = Double.parseDouble(number);
        } catch (NumberFormatException e) {
            bits = Double.NaN;
        }
        if (!(bits >= 1 && bits <= 16)) {
            throw new LevelException("\"" + text
                    + "\": a budget is a number of bits per weight from 1 to 16, like 3.0bpw or 3.0bpw:search");
        }
        // Any block format will do to read the solver.
        Level read = Level.parse("q8_0:" + (words.length == 1 ? Solvers.GPTQ.name() : words[1]));
        if (!read.transform().identity()) {
            throw new LevelException("\"" + text + "\": sensitivity is measured map by map, and " + read.transform()
                    + " changes neighbours together; leave it out");
        }
        return new Budget(bits, read.solver());
    }

    /** Bytes that the linear maps of a model may take. */
    public long bytes(Checkpoint checkpoint) {
        double weights = 0;
        for (TensorRole role : TensorRole.values()) {
            for (int layer = 0; role.linear() && layer < checkpoint.spec().layers(); layer++) {
                weights += checkpoint.weight(role, layer).map(Weight::size).orElse(0L);
            }
        }
        return (long) Math.floor(bitsPerWeight * weights / 8);
    }

    @Override
    public String toString() {
        String bits = bitsPerWeight == Math.rint(bitsPerWeight)
                ? String.format(Locale.ROOT, "%.1f", bitsPerWeight)
                : Double.toString(bitsPerWeight);
        return bits + UNIT + (solver == Solvers.GPTQ ? "" : ":" + solver.name());
    }
}
