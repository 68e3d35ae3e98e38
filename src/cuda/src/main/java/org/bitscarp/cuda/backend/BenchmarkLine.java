package org.bitscarp.cuda.backend;

import java.util.Locale;

/**
 * One measurement.
 *
 * @param kernel what ran
 * @param shape rows × outputs × inputs, or as the kernel has them
 * @param milliseconds median of several runs by device events; NaN where it was left out
 * @param floor milliseconds that it is compared with; NaN where there is nothing
 * @param against what the floor is
 * @param error greatest error as a part of its tolerance; NaN where the result is not looked at
 * @param note why it was left out, or empty
 */
public record BenchmarkLine(
        String kernel, String shape, double milliseconds, double floor, String against, double error, String note) {
    static BenchmarkLine leftOut(String kernel, String shape, String why) {
        return new BenchmarkLine(kernel, shape, Double.NaN, Double.NaN, "", Double.NaN, why);
    }

    /** Floor over time: the part of what the device can do, above 1 where the kernel is faster than what it is compared with. */
    public double fraction() {
        return floor / milliseconds;
    }

    /** Whether the result was looked at and is wrong. */
    public boolean wrong() {
        return error > 1;
    }

    /** A row of {@link #HEADER}. */
    public String markdown() {
        return "| "
                + String.join(
                        " | ",
                        kernel,
                        shape,
                        number("%.4f", milliseconds),
                        number("%.4f", floor),
                        against.isEmpty() ? "–" : against,
                        number("%.2f", fraction()),
                        number("%.0f %%", 100 * error),
                        note.isEmpty() ? "" : note)
                + " |";
    }

    /** Head of the Markdown table. */
    public static final String HEADER =
            "| kernel | rows × outputs × inputs | ms | floor, ms | floor is | fraction | error, of its tolerance | |\n"
                    + "|---|---|---|---|---|---|---|---|";

    private static String number(String format, double value) {
        return Double.isNaN(value) ? "–" : String.format(Locale.ROOT, format, value);
    }
}
