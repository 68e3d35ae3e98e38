package org.bitscarp.cuda.emulated;

/** Rounds doubles to narrower formats, in any mode, without rounding twice. */
enum Rounding {
    NEAREST_EVEN,
    NEAREST_AWAY,
    ZERO,
    DOWN,
    UP;

    /** From {@code rn}, {@code rni}, {@code rna}, … */
    static Rounding of(String modifier) {
        return switch (modifier) {
            case "rn", "rni" -> NEAREST_EVEN;
            case "rna" -> NEAREST_AWAY;
            case "rz", "rzi" -> ZERO;
            case "rm", "rmi" -> DOWN;
            case "rp", "rpi" -> UP;
            default -> null;
        };
    }

    double integer(double x) {
        return switch (this) {
            case NEAREST_EVEN -> Math.rint(x);
            case NEAREST_AWAY -> Math.copySign(Math.floor(Math.abs(x) + 0.5), x);
            case ZERO -> x < 0 ? Math.ceil(x) : Math.floor(x);
            case DOWN -> Math.floor(x);
            case UP -> Math.ceil(x);
        };
    }

    /**
     * The neighbour of x in a binary format of up to 32 bits.
     *
     * @param fraction bits behind the leading one: 10 for fp16, 7 for bf16, 23 for fp32
     * @param smallest exponent of the smallest normal number: −14, −126
     * @param largest the largest finite number
     */
    double toFormat(double x, int fraction, int smallest, double largest) {
        if (x == 0 || Double.isNaN(x) || Double.isInfinite(x)) {
            return x;
        }
        int unit = Math.max(Math.getExponent(x), smallest) - fraction;
        double rounded = Math.copySign(Math.scalb(integer(Math.scalb(x, -unit)), unit), x);
        if (Math.abs(rounded) <= largest) {
            return rounded;
        }
        boolean infinite = switch (this) {
            case NEAREST_EVEN, NEAREST_AWAY -> true;
            case ZERO -> false;
            case DOWN -> x < 0;
            case UP -> x > 0;
        };
        return Math.copySign(infinite ? Double.POSITIVE_INFINITY : largest, x);
    }
}
