package org.bitscarp.eval.budget;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.LevelException;
import org.bitscarp.quant.Solver;
import org.bitscarp.quant.Solvers;

/**
 * A limit on the size of a quantized model, as text {@code 3bpw}, {@code 2.75bpw:rtn}, {@code 2.6MB}, {@code 4GiB:search}.
 *
 * @param limit what may not be exceeded
 * @param solver that chooses codes; error feedback unless said otherwise
 */
public record Budget(Limit limit, Solver solver) {
    /** What is limited, and to what. */
    public sealed interface Limit {}

    /** Bits per weight of all linear maps together; embedding and output projection are not counted, nor chosen. */
    public record MapBits(double bitsPerWeight) implements Limit {
        @Override
        public String toString() {
            String bits = bitsPerWeight == Math.rint(bitsPerWeight)
                    ? String.format(Locale.ROOT, "%.1f", bitsPerWeight)
                    : Double.toString(bitsPerWeight);
            return bits + BITS;
        }
    }

    /** Bytes of the whole GGUF file: linear maps, tables, everything. */
    public record FileBytes(long bytes) implements Limit {
        /** Exact, in the largest of the decimal units that is not larger than the number. */
        @Override
        public String toString() {
            int power = Math.min(POWERS.length(), (Long.toString(bytes).length() - 1) / 3);
            String number =
                    BigDecimal.valueOf(bytes, 3 * power).stripTrailingZeros().toPlainString();
            return number + (power == 0 ? "" : POWERS.charAt(power - 1)) + "B";
        }
    }

    private static final String BITS = "bpw";

    /** Words of a thousand to the power of 1, 2, … */
    private static final String POWERS = "KMGT";

    private static final Pattern TEXT = Pattern.compile(
            "(?<number>\\d{1,15}(?:\\.\\d{1,15})?)\\s*(?:(?:bpw)?|(?<power>[kmgt]?)(?<base>b|(?<=[kmgt])ib))");

    /** @throws LevelException for what is not {@code <number>bpw[:solver]} or {@code <size>[:solver]} */
    public static Budget parse(String text) {
        String[] words = text.strip().toLowerCase(Locale.ROOT).split(":", 2);
        Limit limit = limit(text, words[0]);
        // Any block format will do to read the solver.
        Level read = Level.parse("q8_0:" + (words.length == 1 ? Solvers.GPTQ.name() : words[1]));
        if (!read.transform().identity()) {
            throw new LevelException("\"" + text + "\": sensitivity is measured map by map, and " + read.transform()
                    + " changes neighbours together; leave it out");
        }
        return new Budget(limit, read.solver());
    }

    private static Limit limit(String text, String words) {
        Matcher m = TEXT.matcher(words.strip());
        if (m.matches() && m.group("base") == null) {
            double bits = Double.parseDouble(m.group("number"));
            if (bits >= 1 && bits <= 16) {
                return new MapBits(bits);
            }
        } else if (m.matches()) {
            String power = m.group("power").toUpperCase(Locale.ROOT);
            BigDecimal unit = BigDecimal.valueOf(m.group("base").equals("ib") ? 1024 : 1000)
                    .pow(power.isEmpty() ? 0 : 1 + POWERS.indexOf(power));
            BigDecimal bytes = new BigDecimal(m.group("number")).multiply(unit).setScale(0, RoundingMode.FLOOR);
            if (bytes.signum() > 0 && bytes.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) <= 0) {
                return new FileBytes(bytes.longValueExact());
            }
        }
        throw new LevelException("\"" + text + "\": a budget is a number of bits per weight from 1 to 16 for the linear"
                + " maps, like 3.0bpw or 3.0bpw:search, or the size of the whole file, like 2.6MB, 4GB or 4GiB:search");
    }

    /** Whether the whole file is limited, and tables are chosen too. */
    public boolean wholeFile() {
        return limit instanceof FileBytes;
    }

    /** Bytes that the linear maps of a model may take at most. */
    public long bytes(Checkpoint checkpoint) {
        return switch (limit) {
            case FileBytes(long bytes) -> bytes;
            case MapBits(double bitsPerWeight) -> (long) Math.floor(bitsPerWeight * mapWeights(checkpoint) / 8);
        };
    }

    /** Weights of all linear maps. */
    static double mapWeights(Checkpoint checkpoint) {
        double weights = 0;
        for (TensorRole role : TensorRole.values()) {
            for (int layer = 0; role.linear() && layer < checkpoint.spec().layers(); layer++) {
                weights += checkpoint.weight(role, layer).map(Weight::size).orElse(0L);
            }
        }
        return weights;
    }

    @Override
    public String toString() {
        return limit + (solver == Solvers.GPTQ ? "" : ":" + solver.name());
    }
}
