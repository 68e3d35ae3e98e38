package org.bitscarp.eval.report;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** What levels answer and write, in a few lines for a terminal. */
public final class BehaviourText {
    private BehaviourText() {}

    public static List<String> lines(SweepResult.Behaviour behaviour) {
        List<String> lines = new ArrayList<>();
        for (TaskResult task : behaviour.tasks()) {
            lines.add(BehaviourTables.title(task) + ": "
                    + task.rows().stream()
                            .map(r -> r.level() + " " + Figures.fixed(100 * r.accuracy(), 1) + " %")
                            .collect(Collectors.joining(", ")));
        }
        Continuations continuations = behaviour.continuations();
        if (continuations != null) {
            String loops = continuations.levels().stream()
                    .filter(level -> level.loops() > 0)
                    .map(level -> level.level() + " " + level.loops())
                    .collect(Collectors.joining(", "));
            lines.add("Of " + continuations.levels().getFirst().texts().size() + " continuations, these end in loops: "
                    + (loops.isEmpty() ? "none" : loops) + ".");
        }
        return lines;
    }
}
