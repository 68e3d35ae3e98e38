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
 * @param aim fraction that it is meant to reach at least; NaN where there is none
 */
public record BenchmarkLine(
        String kernel,
        String shape,
        double milliseconds,
        double floor,
        String against,
        double error,
        String note,
        double aim) {
    /** A line without an aim. */
    public BenchmarkLine(
            String kernel, String shape, double milliseconds, double floor, String against, double error, String note) {
        this(kernel, shape, milliseconds, floor, against, error, note, Double.NaN);
    }

    public BenchmarkLine withAim(double fraction) {
        return new BenchmarkLine(kernel, shape, milliseconds, floor, against, error, note, fraction);
    }

    static BenchmarkLine leftOut(String kernel, String shape, String why) {
        return new BenchmarkLine(kernel, shape, Double.NaN, Double.NaN, "", Double.NaN, why);
    }

    /** Floor over time: the part of what the device can do, above 1 where the kernel is faster than what it is compared with. */
    public double fraction() {
        return floor / milliseconds;
    }

    /** Whether the fraction is what it is meant to be; what was left out is not. */
    public boolean reached() {
        return fraction() >= aim;
    }

    /** Reached or not, in words. */
    public static String verdict(boolean reached) {
        return reached ? "reached" : "NOT REACHED";
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
                        Double.isNaN(aim) ? "–" : number("%.2f ", aim) + verdict(reached()),
                        number("%.0f %%", 100 * error),
                        note)
                + " |";
    }

    /** Head of the Markdown table. */
    public static final String HEADER =
            "| kernel | rows × outputs × inputs | ms | floor, ms | floor is | fraction | aim | error, of its tolerance | |\n"
                    + "|---|---|---|---|---|---|---|---|---|";

    private static String number(String format, double value) {
        return Double.isNaN(value) ? "–" : String.format(Locale.ROOT, format, value);
    }
}
