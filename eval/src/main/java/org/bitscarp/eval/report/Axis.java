package org.bitscarp.eval.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Maps values to pixels.
 *
 * @param from value at pixel {@code start}
 * @param to value at pixel {@code end}
 * @param log whether equal ratios, not equal differences, are equally long
 */
record Axis(double from, double to, boolean log, double start, double end) {
    /** Steps within a decade, coarse ones first: the first that gives enough ticks is taken. */
    private static final double[][] DECADE = {{1}, {1, 3}, {1, 2, 5}, {1, 1.5, 2, 3, 4, 5, 6, 8}};

    double pixel(double value) {
        double share = log ? Math.log(value / from) / Math.log(to / from) : (value - from) / (to - from);
        return start + share * (end - start);
    }

    /** An axis over values that are all finite (and positive on a logarithmic axis), with a little air at both ends. */
    static Axis padded(double least, double most, boolean log, double start, double end) {
        if (log) {
            double ratio = Math.max(most / least, 1.05);
            double air = Math.pow(ratio, 0.07);
            double middle = Math.sqrt(least * most);
            double half = Math.sqrt(ratio) * air;
            return new Axis(middle / half, middle * half, true, start, end);
        }
        double span = Math.max(most - least, Math.max(Math.abs(most), 1e-9) * 0.02);
        double middle = (most + least) / 2;
        double half = span * 0.58;
        return new Axis(middle - half, middle + half, false, start, end);
    }

    /** Round values within the axis, about {@code wanted} of them. */
    List<Double> ticks(int wanted) {
        return log && to / from > 2.5 ? logTicks(wanted) : linearTicks(wanted);
    }

    private List<Double> linearTicks(int wanted) {
        double raw = (to - from) / wanted;
        double power = Math.pow(10, Math.floor(Math.log10(raw)));
        double step = power;
        for (double factor : new double[] {2, 5, 10}) {
            if (step < raw * 0.8) {
                step = factor * power;
            }
        }
        List<Double> ticks = new ArrayList<>();
        for (long i = (long) Math.ceil(from / step); i * step <= to; i++) {
            // Through a decimal, so that 3 × 0.1 is labelled 0.3.
            ticks.add(Double.parseDouble(String.format(Locale.ROOT, "%.12g", i * step)));
        }
        return ticks;
    }

    private List<Double> logTicks(int wanted) {
        int low = (int) Math.floor(Math.log10(from));
        int high = (int) Math.ceil(Math.log10(to));
        List<Double> ticks = new ArrayList<>();
        for (double[] steps : DECADE) {
            ticks.clear();
            int stride = Math.max(1, (int) Math.ceil((high - low) / (double) (2 * wanted)));
            for (int decade = low; decade <= high; decade += stride) {
                for (double step : steps) {
                    double value = Double.parseDouble(step + "e" + decade);
                    if (value >= from && value <= to) {
                        ticks.add(value);
                    }
                }
            }
            if (ticks.size() >= Math.max(3, wanted / 2)) {
                break;
            }
        }
        return ticks;
    }
}
