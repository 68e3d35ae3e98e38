package org.bitscarp.eval.stats;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;

/**
 * Letters for items so that two share one exactly when they are not told apart: the compact letter display by insertion and
 * absorption (Piepho 2004).
 */
public final class CompactLetters {
    private CompactLetters() {}

    /**
     * @param differ differ[i][j] whether items i and j are told apart; symmetric
     * @return for each item its letters in ascending order, {@code "ab"}; from the 27th on numbers in parentheses
     */
    public static List<String> of(boolean[][] differ) {
        int n = differ.length;
        List<BitSet> columns = new ArrayList<>();
        BitSet all = new BitSet();
        all.set(0, n);
        columns.add(all);
        for (int i = 0; i < n; i++) {
            for (int j = i + 1; j < n; j++) {
                if (differ[i][j]) {
                    columns = separate(columns, i, j);
                }
            }
        }
        columns.sort(Comparator.comparingInt((BitSet c) -> c.nextSetBit(0)).thenComparingInt(BitSet::length));
        List<String> letters = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            StringBuilder own = new StringBuilder();
            for (int c = 0; c < columns.size(); c++) {
                if (columns.get(c).get(i)) {
                    own.append(c < 26 ? String.valueOf((char) ('a' + c)) : "(" + (c + 1) + ")");
                }
            }
            letters.add(own.toString());
        }
        return letters;
    }

    /** Splits every column that holds both, then drops those that another one contains. */
    private static List<BitSet> separate(List<BitSet> columns, int i, int j) {
        List<BitSet> split = new ArrayList<>();
        for (BitSet column : columns) {
            if (column.get(i) && column.get(j)) {
                split.add(without(column, i));
                split.add(without(column, j));
            } else {
                split.add(column);
            }
        }
        List<BitSet> kept = new ArrayList<>();
        for (int c = 0; c < split.size(); c++) {
            boolean absorbed = false;
            for (int other = 0; other < split.size() && !absorbed; other++) {
                boolean equal = split.get(c).equals(split.get(other));
                absorbed = other != c && contains(split.get(other), split.get(c)) && (!equal || other < c);
            }
            if (!absorbed) {
                kept.add(split.get(c));
            }
        }
        return kept;
    }

    private static BitSet without(BitSet column, int item) {
        BitSet copy = (BitSet) column.clone();
        copy.clear(item);
        return copy;
    }

    private static boolean contains(BitSet larger, BitSet smaller) {
        BitSet rest = (BitSet) smaller.clone();
        rest.andNot(larger);
        return rest.isEmpty();
    }
}
