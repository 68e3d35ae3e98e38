package org.bitscarp.eval.generate;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Distinct-n (Li et al. 2016, arXiv 1510.03055, section 5): different n-grams as a share of all n-grams. */
public final class Diversity {
    private Diversity() {}

    /** Over all sequences together; NaN when none has {@code n} tokens. */
    public static double distinct(List<int[]> sequences, int n) {
        Set<List<Integer>> different = new HashSet<>();
        long all = 0;
        for (int[] tokens : sequences) {
            for (int i = 0; i + n <= tokens.length; i++) {
                different.add(Arrays.stream(tokens, i, i + n).boxed().toList());
                all++;
            }
        }
        return all == 0 ? Double.NaN : (double) different.size() / all;
    }

    /** Leading tokens that two sequences share. */
    public static int agreement(int[] a, int[] b) {
        int mismatch = Arrays.mismatch(a, b);
        return mismatch < 0 ? a.length : mismatch;
    }
}
