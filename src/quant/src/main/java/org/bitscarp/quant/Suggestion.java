package org.bitscarp.quant;

import java.util.List;

/** "Did you mean …?" for mistyped words. */
final class Suggestion {
    private Suggestion() {}

    /** {@code : did you mean "…"?}, or nothing when no known word is near. */
    static String of(String word, List<String> known) {
        String best = null;
        int least = Math.max(1, word.length() / 2) + 1;
        for (String candidate : known) {
            int edits = distance(word, candidate);
            if (edits < least) {
                least = edits;
                best = candidate;
            }
        }
        return best == null ? "" : ": did you mean \"" + best + "\"?";
    }

    /**
     * Edits (insert, delete, replace, swap neighbours) that turn one word into the other: the optimal string alignment
     * distance.
     */
    static int distance(String a, String b) {
        int[][] edits = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                if (i == 0 || j == 0) {
                    edits[i][j] = i + j;
                    continue;
                }
                int replace = edits[i - 1][j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                edits[i][j] = Math.min(replace, 1 + Math.min(edits[i - 1][j], edits[i][j - 1]));
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    edits[i][j] = Math.min(edits[i][j], edits[i - 2][j - 2] + 1);
                }
            }
        }
        return edits[a.length()][b.length()];
    }
}
