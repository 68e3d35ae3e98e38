package org.bitscarp.eval.protocol;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * The forward passes that serve several protocols at once: a window that two protocols share is computed once, and each
 * takes its own positions from it.
 *
 * <p>Windows of equal length are gathered into units, the piece of work of one call. A unit's size depends on the window
 * length alone, so results never depend on threads or memory.
 */
public final class WindowPlan {
    /**
     * Rows that a unit should have: enough to run matrix products near their full speed (OpenBLAS reaches 92 % of it with
     * 1024 rows), few enough that small texts still split over processors.
     */
    private static final int UNIT_ROWS = 2048;
    /** Sequences are filled up to a multiple of this, so that few lengths occur. Causal models do not see what follows. */
    private static final int SEQUENCE_STEP = 16;

    private final int[] text;
    private final int bos;
    private final List<Protocol> protocols;
    private final List<Unit> units = new ArrayList<>();
    /** For each protocol, the rows that it scores, in text order. */
    private final List<int[]> scoredRows = new ArrayList<>();

    private final List<Integer> windowCounts = new ArrayList<>();
    private final List<int[]> scoredWindows = new ArrayList<>();
    /** Of each sequence, the row that predicts its first scored token. */
    private final int[] sequenceFirstRows;

    private final List<ScoredSequence> sequences;
    private int rows;

    /** A text without sequences of its own. */
    public WindowPlan(int[] text, int bos, boolean addsBos, List<Protocol> protocols) {
        this(text, bos, addsBos, protocols, List.of());
    }

    /**
     * @param text token ids
     * @param bos id that replaces first tokens where a protocol asks for it
     * @param addsBos whether the tokenizer adds BOS by default
     * @param sequences that go through the model in the same pass and are in no protocol
     * @throws IllegalArgumentException when the text is too short for one window of some protocol
     */
    public WindowPlan(int[] text, int bos, boolean addsBos, List<Protocol> protocols, List<ScoredSequence> sequences) {
        this.text = text;
        this.bos = bos;
        this.protocols = List.copyOf(protocols);
        Map<Key, List<Window>> shared = new LinkedHashMap<>();
        List<List<Window>> perProtocol = new ArrayList<>();
        for (Protocol protocol : protocols) {
            List<Window> windows = protocol.windows(text.length, addsBos && bos >= 0);
            if (windows.isEmpty()) {
                throw new IllegalArgumentException("the text has " + text.length + " tokens, less than one window of "
                        + protocol.context() + " (protocol " + protocol.kind().text()
                        + "); give more text or a smaller --context");
            }
            perProtocol.add(windows);
            windowCounts.add(windows.size());
            windows.forEach(w ->
                    shared.computeIfAbsent(Key.of(w), k -> new ArrayList<>()).add(w));
        }
        Map<Key, Integer> firstRow = layOut(shared);
        for (List<Window> windows : perProtocol) {
            int[] scored = new int[windows.stream().mapToInt(Window::scored).sum()];
            int[] window = new int[scored.length];
            int n = 0;
            for (int w = 0; w < windows.size(); w++) {
                int at = firstRow.get(Key.of(windows.get(w)));
                for (int i = windows.get(w).scoreFrom(); i < windows.get(w).scoreTo(); i++) {
                    window[n] = w;
                    scored[n++] = at + i;
                }
            }
            scoredRows.add(scored);
            scoredWindows.add(window);
        }
        this.sequences = List.copyOf(sequences);
        sequenceFirstRows = new int[sequences.size()];
        layOutSequences();
    }

    /** Units of sequences of like length, each filled up at its end; the shorter ones first. */
    private void layOutSequences() {
        Map<Integer, List<Integer>> byLength = new TreeMap<>();
        for (int s = 0; s < sequences.size(); s++) {
            int length = (sequences.get(s).inputs() + SEQUENCE_STEP - 1) / SEQUENCE_STEP * SEQUENCE_STEP;
            byLength.computeIfAbsent(length, l -> new ArrayList<>()).add(s);
        }
        byLength.forEach((length, members) -> {
            int perUnit = Math.max(1, UNIT_ROWS / length);
            for (int from = 0; from < members.size(); from += perUnit) {
                addUnit(members.subList(from, Math.min(members.size(), from + perUnit)), length);
            }
        });
    }

    private void addUnit(List<Integer> members, int length) {
        int[] tokens = new int[members.size() * length];
        int[] targets = new int[tokens.length];
        java.util.Arrays.fill(targets, -1);
        IntStream.Builder scored = IntStream.builder();
        for (int m = 0; m < members.size(); m++) {
            ScoredSequence sequence = sequences.get(members.get(m));
            int at = m * length;
            System.arraycopy(sequence.tokens(), 0, tokens, at, sequence.inputs());
            sequenceFirstRows[members.get(m)] = rows + at + sequence.scoreFrom() - 1;
            for (int i = sequence.scoreFrom() - 1; i < sequence.inputs(); i++) {
                targets[at + i] = sequence.tokens()[i + 1];
                scored.add(at + i);
            }
        }
        units.add(new Unit(rows, length, tokens, targets, scored.build().toArray()));
        rows += tokens.length;
    }

    /** Packs the windows into units of equal length, in text order, and numbers their rows. */
    private Map<Key, Integer> layOut(Map<Key, List<Window>> shared) {
        Map<Integer, List<Key>> byLength = new LinkedHashMap<>();
        shared.keySet()
                .forEach(k -> byLength.computeIfAbsent(k.length, l -> new ArrayList<>())
                        .add(k));
        Map<Key, Integer> firstRow = new LinkedHashMap<>();
        byLength.forEach((length, keys) -> {
            int perUnit = Math.max(1, UNIT_ROWS / length);
            for (int from = 0; from < keys.size(); from += perUnit) {
                List<Key> members = keys.subList(from, Math.min(keys.size(), from + perUnit));
                units.add(unit(members, length, shared));
                for (Key member : members) {
                    firstRow.put(member, rows);
                    rows += length;
                }
            }
        });
        return firstRow;
    }

    private Unit unit(List<Key> members, int length, Map<Key, List<Window>> shared) {
        int[] tokens = new int[members.size() * length];
        int[] targets = new int[tokens.length];
        boolean[] scored = new boolean[tokens.length];
        for (int w = 0; w < members.size(); w++) {
            Key key = members.get(w);
            for (int i = 0; i < length; i++) {
                tokens[w * length + i] = i == 0 && key.bosFirst ? bos : text[key.start + i];
                targets[w * length + i] = i + 1 < length ? text[key.start + i + 1] : -1;
            }
            for (Window window : shared.get(key)) {
                java.util.Arrays.fill(scored, w * length + window.scoreFrom(), w * length + window.scoreTo(), true);
            }
        }
        int n = 0;
        int[] scoredRowsOfUnit = new int[tokens.length];
        for (int i = 0; i < tokens.length; i++) {
            if (scored[i]) {
                scoredRowsOfUnit[n++] = i;
            }
        }
        return new Unit(rows, length, tokens, targets, java.util.Arrays.copyOf(scoredRowsOfUnit, n));
    }

    /** Token ids of the text; not a copy. */
    public int[] text() {
        return text;
    }

    public List<Protocol> protocols() {
        return protocols;
    }

    public List<Unit> units() {
        return units;
    }

    /** Rows of all units together: the tokens that go through the model. */
    public int rows() {
        return rows;
    }

    /** Rows of the largest unit. */
    public int largestUnit() {
        return units.stream().mapToInt(u -> u.tokens.length).max().orElse(0);
    }

    /** Tokens in the longest window. */
    public int longestWindow() {
        return units.stream().mapToInt(Unit::length).max().orElse(0);
    }

    /** The rows that a protocol scores, in text order; row r of unit u is {@code u.firstRow() + r}. */
    public int[] scoredRows(int protocol) {
        return scoredRows.get(protocol);
    }

    /** For each of {@link #scoredRows}, the number of the protocol's window that it belongs to. */
    public int[] scoredWindows(int protocol) {
        return scoredWindows.get(protocol);
    }

    public int windowCount(int protocol) {
        return windowCounts.get(protocol);
    }

    /** The rows that predict the scored tokens of a sequence, in their order. */
    public int[] sequenceRows(int sequence) {
        int first = sequenceFirstRows[sequence];
        return IntStream.range(first, first + sequences.get(sequence).scored()).toArray();
    }

    /**
     * Windows of one length, one after another.
     *
     * @param firstRow number of its first row among all rows
     * @param length tokens in each window
     * @param tokens ids, {@code windows × length}
     * @param targets the next token of each, −1 at a window's end
     * @param scored the rows of this unit that some protocol scores, ascending
     */
    public record Unit(int firstRow, int length, int[] tokens, int[] targets, int[] scored) {
        public int rows() {
            return tokens.length;
        }
    }

    /** What makes two windows the same forward pass. */
    private record Key(int start, int length, boolean bosFirst) {
        static Key of(Window w) {
            return new Key(w.start(), w.length(), w.bosFirst());
        }
    }
}
