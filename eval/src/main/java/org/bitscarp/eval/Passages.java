package org.bitscarp.eval;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bitscarp.eval.engine.LevelResult;
import org.bitscarp.eval.engine.TokenScores;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.eval.report.Passage;
import org.bitscarp.eval.report.SweepResult.Cliff;
import org.bitscarp.eval.report.SweepResult.Row;
import org.bitscarp.model.Tokenizer;

/** Finds the passage of the text on which the level at the cliff loses most. */
final class Passages {
    /** Tokens of a passage at most: what fits on a screen. */
    static final int TOKENS = 300;

    /** Levels shown in front of the one that chose the place, and behind it. */
    private static final int BEFORE = 2;

    private static final int BEHIND = 1;

    private final WindowPlan plan;
    private final Tokenizer tokenizer;

    Passages(WindowPlan plan, Tokenizer tokenizer) {
        this.plan = plan;
        this.tokenizer = tokenizer;
    }

    /**
     * The passage for the level that falls, else the last safe one, else the one with the fewest bits.
     *
     * @param rows levels from most to fewest bits
     * @return null when there is nothing beside the reference
     */
    Passage of(List<Row> rows, Cliff cliff, List<LevelResult> results) {
        List<String> levels =
                rows.stream().filter(r -> !r.reference()).map(Row::level).toList();
        if (levels.isEmpty()) {
            return null;
        }
        String chooser = levels.getLast();
        if (cliff != null && levels.contains(cliff.fallsAt())) {
            chooser = cliff.fallsAt();
        } else if (cliff != null && levels.contains(cliff.level())) {
            chooser = cliff.level();
        }
        String reference =
                rows.stream().filter(Row::reference).findFirst().orElseThrow().level();
        int[] scored = plan.scoredRows(0);
        double[] base = scores(results, reference, scored);
        double[] chosen = scores(results, chooser, scored);
        double[] extra = new double[scored.length];
        Arrays.setAll(extra, i -> Double.isFinite(chosen[i] - base[i]) ? chosen[i] - base[i] : 0);
        int first = costliest(extra, plan.scoredWindows(0), TOKENS);
        int length = run(plan.scoredWindows(0), first, TOKENS);
        int at = levels.indexOf(chooser);
        List<Passage.OfLevel> shown = new ArrayList<>();
        for (String level : levels.subList(Math.max(0, at - BEFORE), Math.min(levels.size(), at + BEHIND + 1))) {
            shown.add(new Passage.OfLevel(level, part(scores(results, level, scored), first, length)));
        }
        return new Passage(first, chooser, texts(first, length), part(base, first, length), shown);
    }

    /**
     * Where the run of values of one window begins whose sum is greatest, the first of equals.
     *
     * @param windows of each value; runs do not reach from one into the next, because what lies between is not scored
     */
    static int costliest(double[] values, int[] windows, int tokens) {
        int best = 0;
        double most = Double.NEGATIVE_INFINITY;
        int begin = 0;
        for (int from = 0; from < values.length; from++) {
            if (windows[from] != windows[begin]) {
                begin = from;
            }
            int length = run(windows, from, tokens);
            // At a window's end runs get shorter: only whole ones count, but where the window has no whole one.
            if (length == tokens || from == begin) {
                double sum = 0;
                for (int i = from; i < from + length; i++) {
                    sum += values[i];
                }
                if (sum > most) {
                    most = sum;
                    best = from;
                }
            }
        }
        return best;
    }

    private static int run(int[] windows, int from, int most) {
        int length = 0;
        while (length < most && from + length < windows.length && windows[from + length] == windows[from]) {
            length++;
        }
        return length;
    }

    private static double[] scores(List<LevelResult> results, String level, int[] scored) {
        TokenScores scores = results.stream()
                .filter(r -> r.name().equals(level))
                .findFirst()
                .orElseThrow()
                .scores();
        return Arrays.stream(scored).mapToDouble(row -> scores.nll()[row]).toArray();
    }

    private static double[] part(double[] nll, int first, int length) {
        return Arrays.stream(nll, first, first + length)
                .map(x -> Double.isFinite(x) ? Math.round(x * 1e4) / 1e4 : Double.NaN)
                .toArray();
    }

    /** Texts of the scored tokens; decoded from the first on, since a character may be spread over several tokens. */
    private List<String> texts(int first, int length) {
        int[] targets = new int[length];
        for (int i = 0; i < length; i++) {
            targets[i] = target(plan.scoredRows(0)[first + i]);
        }
        List<String> texts = new ArrayList<>();
        int said = 0;
        for (int i = 1; i <= length; i++) {
            String text = tokenizer.decode(Arrays.copyOf(targets, i));
            // U+FFFD at the end stands for bytes of a character that the next token completes.
            String whole = i < length ? text.replaceFirst("\uFFFD+$", "") : text;
            texts.add(whole.substring(Math.min(said, whole.length())));
            said = Math.max(said, whole.length());
        }
        return texts;
    }

    private int target(int row) {
        for (WindowPlan.Unit unit : plan.units()) {
            if (row >= unit.firstRow() && row < unit.firstRow() + unit.rows()) {
                return unit.targets()[row - unit.firstRow()];
            }
        }
        throw new IllegalArgumentException("row " + row + " is in no unit of the plan");
    }
}
