package org.bitscarp.eval;

import java.util.ArrayList;
import java.util.List;
import org.bitscarp.datasets.tasks.Task;
import org.bitscarp.eval.engine.LevelResult;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.eval.report.TaskResult;
import org.bitscarp.eval.task.Answers;
import org.bitscarp.eval.task.McNemar;
import org.bitscarp.eval.task.TaskSequences;

/** From token scores to accuracies. */
final class TaskScores {
    private TaskScores() {}

    /**
     * @param tasks whose sequences the plan has, one task after another
     * @param levels the first is the reference
     */
    static List<TaskResult> of(List<TaskSequences> tasks, WindowPlan plan, List<LevelResult> levels) {
        List<TaskResult> results = new ArrayList<>();
        int first = 0;
        for (TaskSequences sequences : tasks) {
            Task task = sequences.task();
            List<Answers> answers = new ArrayList<>();
            for (LevelResult level : levels) {
                answers.add(Answers.of(
                        task,
                        sums(
                                level.scores().nll(),
                                plan,
                                first,
                                sequences.sequences().size())));
            }
            List<TaskResult.Row> rows = new ArrayList<>();
            for (int l = 0; l < levels.size(); l++) {
                rows.add(row(levels.get(l), answers.get(l), answers.getFirst()));
            }
            results.add(new TaskResult(
                    task.name(),
                    task.layout().text(),
                    task.layout().prompt(),
                    task.sha256(),
                    task.questions().size(),
                    task.chance(),
                    sequences.shortened(),
                    rows));
            first += sequences.sequences().size();
        }
        return results;
    }

    private static double[] sums(double[] nll, WindowPlan plan, int first, int count) {
        double[] sums = new double[count];
        for (int s = 0; s < count; s++) {
            for (int row : plan.sequenceRows(first + s)) {
                sums[s] += nll[row];
            }
        }
        return sums;
    }

    private static TaskResult.Row row(LevelResult level, Answers answers, Answers reference) {
        double accuracy = Answers.share(answers.right());
        double normalized = Answers.share(answers.rightNormalized());
        int n = answers.right().length;
        McNemar test = McNemar.of(answers.right(), reference.right());
        return new TaskResult.Row(
                level.name(),
                accuracy,
                Math.sqrt(accuracy * (1 - accuracy) / n),
                normalized,
                Math.sqrt(normalized * (1 - normalized) / n),
                test.gained(),
                test.lost(),
                test.p());
    }
}
