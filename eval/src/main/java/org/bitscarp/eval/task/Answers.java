package org.bitscarp.eval.task;

import org.bitscarp.datasets.tasks.Question;
import org.bitscarp.datasets.tasks.Task;

/**
 * Which questions a model answers rightly: its choice is the one of the greatest log-likelihood ({@code acc} of
 * lm-evaluation-harness), or of the greatest log-likelihood per character ({@code acc_norm}). Of equals the first wins.
 *
 * @param right by log-likelihood
 * @param rightNormalized by log-likelihood divided by the characters of the choice
 */
public record Answers(boolean[] right, boolean[] rightNormalized) {
    /** @param nll negative log-likelihood of each choice of each question, one after another; NaN loses */
    public static Answers of(Task task, double[] nll) {
        int n = task.questions().size();
        boolean[] right = new boolean[n];
        boolean[] normalized = new boolean[n];
        int at = 0;
        for (int q = 0; q < n; q++) {
            Question question = task.questions().get(q);
            int best = -1;
            int bestNormalized = -1;
            double least = Double.POSITIVE_INFINITY;
            double leastNormalized = Double.POSITIVE_INFINITY;
            for (int c = 0; c < question.choices().size(); c++, at++) {
                if (nll[at] < least) {
                    least = nll[at];
                    best = c;
                }
                double perCharacter = nll[at] / question.choices().get(c).length();
                if (perCharacter < leastNormalized) {
                    leastNormalized = perCharacter;
                    bestNormalized = c;
                }
            }
            right[q] = best == question.answer();
            normalized[q] = bestNormalized == question.answer();
        }
        return new Answers(right, normalized);
    }

    /** Share of {@code true}. */
    public static double share(boolean[] right) {
        int n = 0;
        for (boolean r : right) {
            n += r ? 1 : 0;
        }
        return (double) n / right.length;
    }
}
