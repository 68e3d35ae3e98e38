package org.bitscarp.eval.report;

import java.util.Locale;

/** How numbers are printed: the one place that decides digits, units and the words for what is not finite. */
final class Figures {
    /** Stands where there is nothing to print. */
    static final String NONE = "–";

    private Figures() {}

    /** The shortest decimal that reads back as the same double, or {@code nan}, {@code inf}, {@code -inf}. */
    static String shortest(double x) {
        return Double.isFinite(x) ? Double.toString(x) : word(x);
    }

    /** {@code x} with {@code decimals} digits after the point, or the word for what is not finite. */
    static String fixed(double x, int decimals) {
        if (!Double.isFinite(x)) {
            return word(x);
        }
        String text = String.format(Locale.ROOT, "%." + decimals + "f", x);
        return text.startsWith("-") && Double.parseDouble(text) == 0 ? text.substring(1) : text;
    }

    /** Digits after the point that show five significant figures of {@code typical}, 0 to 4. */
    static int decimals(double typical) {
        if (!Double.isFinite(typical) || typical == 0) {
            return 2;
        }
        return (int) Math.clamp(4 - Math.floor(Math.log10(Math.abs(typical))), 0, 4);
    }

    /** A perplexity; from a million on in powers of ten, where digits mean nothing any more. */
    static String perplexity(double x, int decimals) {
        return Double.isFinite(x) && Math.abs(x) >= 1e6 ? scientific(x) : fixed(x, decimals);
    }

    /** Bits per weight in a sentence: {@code 16}, {@code 4.19}. */
    static String bits(double x) {
        String text = fixed(x, 2);
        return Double.isFinite(x) ? trimZeros(text) : text;
    }

    /** Bits per weight in a column: three decimals, so that 1.6875 and 1.725 differ. */
    static String bitsColumn(double x) {
        return fixed(x, 3);
    }

    /** A fraction as a signed percentage: {@code +4.31 %}; {@code +inf %} when it is unbounded. */
    static String signedPercent(double fraction) {
        return signed(fraction) + " %";
    }

    /** {@link #signedPercent} without the unit. What rounds to zero keeps its sign: it says where an interval ends. */
    static String signed(double fraction) {
        double x = 100 * fraction;
        double size = Math.abs(x);
        if (Double.isNaN(x)) {
            return word(x);
        }
        String text = size >= 1e5 && Double.isFinite(x)
                ? scientific(size)
                : fixed(size, size < 99.995 ? 2 : size < 999.95 ? 1 : 0);
        return (x < 0 ? "-" : "+") + text;
    }

    /** A signed percentage in a sentence, three significant figures: {@code +4.31 %}, {@code +52.3 %}, {@code +193 %}. */
    static String roughPercent(double fraction) {
        double x = 100 * fraction;
        double size = Math.abs(x);
        if (!Double.isFinite(x) || size >= 1e5) {
            return signedPercent(fraction);
        }
        String text = fixed(x, size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
        return (text.startsWith("-") ? text : "+" + text) + " %";
    }

    /** A share between 0 and 1 as a percentage with two decimals and no sign. */
    static String share(double fraction) {
        return fixed(100 * fraction, 2);
    }

    /** A threshold ratio as the percentage it allows: 1.10 → {@code +10 %}. */
    static String allowance(double ratio) {
        return "+" + trimZeros(fixed(100 * (ratio - 1), 2)) + " %";
    }

    /** A divergence in nats: four decimals, in powers of ten below 0.001. */
    static String nats(double x) {
        return small(x, 4, 0.001);
    }

    /** A relative error as a percentage without the unit, two or three significant figures. */
    static String errorPercent(double fraction) {
        double x = 100 * fraction;
        int decimals = x >= 100 ? 0 : x >= 10 ? 1 : x >= 0.1 || x == 0 ? 2 : x >= 0.01 ? 3 : 4;
        return small(x, decimals, 0.001);
    }

    /** Millions of bytes, with the decimals that give {@code least} bytes three significant figures. */
    static String megabytes(double bytes, double least) {
        double mb = least / 1e6;
        return fixed(bytes / 1e6, mb < 1 ? 3 : mb < 10 ? 2 : mb < 100 ? 1 : 0);
    }

    /** A byte count in a sentence: {@code 24.1 MB}, {@code 1.35 GB}. */
    static String size(double bytes) {
        if (bytes < 1e6) {
            return fixed(bytes / 1e3, 1) + " kB";
        }
        return bytes < 1e9 ? fixed(bytes / 1e6, 1) + " MB" : fixed(bytes / 1e9, 2) + " GB";
    }

    /** An integer with thousands separated: {@code 6,291,456}. */
    static String grouped(long x) {
        return String.format(Locale.ROOT, "%,d", x);
    }

    /** Seconds in a column. */
    static String seconds(double s) {
        return fixed(s, s < 100 ? 2 : s < 1000 ? 1 : 0);
    }

    /** Seconds in a sentence: {@code 8.4 s}, {@code 4 min 12 s}, {@code 3 h 05 min}. */
    static String duration(double s) {
        if (!Double.isFinite(s) || s < 99.95) {
            return fixed(s, 1) + " s";
        }
        long whole = Math.round(s);
        if (whole < 3600) {
            return whole / 60 + " min " + String.format(Locale.ROOT, "%02d", whole % 60) + " s";
        }
        return whole / 3600 + " h " + String.format(Locale.ROOT, "%02d", whole % 3600 / 60) + " min";
    }

    /** A label on an axis: as short as it can be. */
    static String tick(double x) {
        if (x != 0 && (Math.abs(x) >= 1e6 || Math.abs(x) < 1e-4)) {
            return scientific(x)
                    .replace(".0e", "e")
                    .replaceFirst("e([+-])0", "e$1")
                    .replace("e+", "e");
        }
        return trimZeros(String.format(Locale.ROOT, "%.6f", x));
    }

    /** A probability: three decimals, in powers of ten below 0.001. */
    static String probability(double x) {
        return small(x, 3, 0.001);
    }

    private static String small(double x, int decimals, double below) {
        return Double.isFinite(x) && x != 0 && Math.abs(x) < below
                ? scientific(x).replaceFirst("e-0", "e-")
                : fixed(x, decimals);
    }

    private static String scientific(double x) {
        return String.format(Locale.ROOT, "%.1e", x);
    }

    private static String trimZeros(String decimal) {
        return decimal.contains(".") ? decimal.replaceFirst("\\.?0+$", "") : decimal;
    }

    private static String word(double x) {
        return Double.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
    }
}
