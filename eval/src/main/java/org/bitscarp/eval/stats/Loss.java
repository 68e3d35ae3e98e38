package org.bitscarp.eval.stats;

/**
 * What is known of a level's loss of log-perplexity against the reference, at a margin up to which a loss is called small:
 * a test of difference and a test of equivalence read together (Lakens 2017; the two one-sided tests of Schuirmann 1987).
 */
public enum Loss {
    /** The interval contains zero and lies within ± the margin. */
    EQUIVALENT("equivalent"),
    /** The interval lies between zero and the margin: there is a loss, and it is small. */
    SMALL("small loss"),
    /** The interval lies above the margin, or scores are not finite. */
    DAMAGED("damaged"),
    /** The interval reaches from one of these regions into another: the text is too short to tell. */
    INDETERMINATE("indeterminate");

    private final String text;

    Loss(String text) {
        this.text = text;
    }

    /** As reports print it. */
    public String text() {
        return text;
    }

    /**
     * @param low lower end of the interval of the difference of log-perplexity, level minus reference
     * @param high upper end
     * @param margin in nats per token, above 0
     */
    public static Loss of(double low, double high, double margin) {
        if (low > margin) {
            return DAMAGED;
        }
        if (low > -margin && high < margin) {
            return low > 0 ? SMALL : EQUIVALENT;
        }
        return INDETERMINATE;
    }

    /**
     * About how many tokens more would decide an indeterminate case if the difference stays as it is: an interval shrinks
     * with the root of the tokens, and has to become shorter than the way to the margin.
     *
     * @param tokens measured
     * @return {@link Long#MAX_VALUE} where the difference lies on the margin
     */
    public static long moreTokens(double difference, double low, double high, double margin, long tokens) {
        double half = (high - low) / 2;
        double way = Math.abs(margin - Math.abs(difference));
        double needed = tokens * (half / way) * (half / way);
        return needed < Long.MAX_VALUE ? Math.max(0, (long) Math.ceil(needed - tokens)) : Long.MAX_VALUE;
    }
}
