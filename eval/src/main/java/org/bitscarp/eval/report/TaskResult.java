package org.bitscarp.eval.report;

import java.util.List;

/**
 * Accuracies of all levels on one multiple-choice task.
 *
 * @param name of the file
 * @param layout that it was read as
 * @param prompt what the model is shown
 * @param sha256 of the file
 * @param questions asked
 * @param chance share of right answers that guessing gives
 * @param shortened sequences that were longer than the model reads and lost their beginning
 * @param rows one per level
 */
public record TaskResult(
        String name,
        String layout,
        String prompt,
        String sha256,
        int questions,
        double chance,
        int shortened,
        List<Row> rows) {
    public TaskResult {
        rows = List.copyOf(rows);
    }

    /**
     * @param level canonical level string
     * @param accuracy share of questions whose right choice has the greatest log-likelihood
     * @param stderr its standard error, √(p(1 − p) / n)
     * @param normalized the same by log-likelihood per character
     * @param normalizedStderr its standard error
     * @param gained questions that only this level got right, and not the reference, by log-likelihood
     * @param lost questions that only the reference got right
     * @param p of the exact McNemar test against the reference, two-sided, not adjusted for the number of levels; 1 for
     *     the reference
     */
    public record Row(
            String level,
            double accuracy,
            double stderr,
            double normalized,
            double normalizedStderr,
            int gained,
            int lost,
            double p) {}
}
