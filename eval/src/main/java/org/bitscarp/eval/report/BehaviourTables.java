package org.bitscarp.eval.report;

import java.util.ArrayList;
import java.util.List;

/** Tasks and continuations as tables of text, for every report that people read. */
final class BehaviourTables {
    static final List<String> TASK_HEAD =
            List.of("Level", "Accuracy %", "±", "Per character %", "±", "Gained", "Lost", "p");
    static final String TASK_LEGEND =
            "The choice with the greatest log-likelihood, as it is or per character of the choice,"
                    + " is the answer; ± is a standard error. Gained and lost: questions that only the level or only the reference"
                    + " answers rightly; p: how likely such an uneven split is between equals (exact McNemar test, each level by"
                    + " itself).";
    static final List<String> WRITING_HEAD = List.of("Level", "Loops", "Agreement", "Distinct-1", "Distinct-2");
    static final String WRITING_LEGEND =
            "Loops: texts that end in the same tokens at least three times over. Agreement: mean"
                    + " number of leading tokens that are the reference's too. Distinct-n: different runs of n tokens among all.";

    private BehaviourTables() {}

    static String title(TaskResult task) {
        return task.name() + " (" + task.layout() + ", " + Figures.grouped(task.questions())
                + " questions, guessing gives "
                + Figures.fixed(100 * task.chance(), 1) + " %"
                + (task.shortened() == 0
                        ? ""
                        : ", " + task.shortened() + " sequences too long, their beginning cut off")
                + ")";
    }

    static List<List<String>> rows(TaskResult task) {
        List<List<String>> rows = new ArrayList<>();
        for (TaskResult.Row row : task.rows()) {
            boolean reference = row == task.rows().getFirst();
            rows.add(List.of(
                    row.level(),
                    Figures.fixed(100 * row.accuracy(), 2),
                    Figures.fixed(100 * row.stderr(), 2),
                    Figures.fixed(100 * row.normalized(), 2),
                    Figures.fixed(100 * row.normalizedStderr(), 2),
                    reference ? "–" : Integer.toString(row.gained()),
                    reference ? "–" : Integer.toString(row.lost()),
                    reference ? "–" : row.p() < 0.0001 ? "< 0.0001" : Figures.fixed(row.p(), 4)));
        }
        return rows;
    }

    static List<List<String>> rows(Continuations continuations) {
        List<List<String>> rows = new ArrayList<>();
        for (Continuations.OfLevel level : continuations.levels()) {
            rows.add(List.of(
                    level.level(),
                    level.loops() + " of " + level.texts().size(),
                    Figures.fixed(level.agreement(), 1),
                    share(level.distinct1()),
                    share(level.distinct2())));
        }
        return rows;
    }

    private static String share(double x) {
        return Double.isFinite(x) ? Figures.fixed(x, 3) : "–";
    }

    /** What is wrong with a text, in a few words; empty for nothing. */
    static String remark(Continuations.Text text, int asked) {
        if (text.tokens() < asked) {
            return "[stops after " + text.tokens() + " tokens: logits are not numbers]";
        }
        return text.loop() == null
                ? ""
                : "[loops from token " + text.loop().onset() + " on, every "
                        + (text.loop().period() == 1 ? "token]" : text.loop().period() + " tokens]");
    }
}
