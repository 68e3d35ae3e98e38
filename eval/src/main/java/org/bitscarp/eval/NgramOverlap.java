package org.bitscarp.eval;

import java.util.Arrays;
import org.bitscarp.eval.protocol.WindowPlan;

/**
 * How much of one text occurs in another, by runs of {@value #LENGTH} tokens (the length that Brown et al. 2020, appendix C,
 * looks for contamination with). Runs are compared by 64-bit hashes.
 */
final class NgramOverlap {
    static final int LENGTH = 13;
    /** A multiplier of a polynomial rolling hash modulo 2⁶⁴: odd, with bits all over. */
    private static final long BASE = 0xD1342543DE82EF95L;

    private NgramOverlap() {}

    /** Share of the tokens of {@code text} that lie in a run which {@code other} has too, 0 to 1. */
    static double share(int[] text, int[] other) {
        long[] known = hashes(other);
        Arrays.sort(known);
        long[] own = hashes(text);
        int covered = 0;
        int reach = 0;
        for (int i = 0; i < own.length; i++) {
            if (Arrays.binarySearch(known, own[i]) >= 0) {
                covered += i + LENGTH - Math.max(reach, i);
                reach = i + LENGTH;
            }
        }
        return text.length == 0 ? 0 : (double) covered / text.length;
    }

    /** The same against the text of a calibration, 0 where there is none. */
    static double share(int[] text, WindowPlan calibration) {
        return calibration == null ? 0 : share(text, calibration.text());
    }

    private static long[] hashes(int[] tokens) {
        long[] hashes = new long[Math.max(0, tokens.length - LENGTH + 1)];
        long power = 1;
        for (int i = 0; i < LENGTH; i++) {
            power *= BASE;
        }
        long hash = 0;
        for (int i = 0; i < tokens.length; i++) {
            hash = hash * BASE + tokens[i] + 1;
            if (i >= LENGTH) {
                hash -= (tokens[i - LENGTH] + 1) * power;
            }
            if (i >= LENGTH - 1) {
                hashes[i - LENGTH + 1] = hash;
            }
        }
        return hashes;
    }
}
