package org.bitscarp.eval.task;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bitscarp.datasets.TextException;
import org.bitscarp.datasets.tasks.Question;
import org.bitscarp.datasets.tasks.Task;
import org.bitscarp.eval.protocol.ScoredSequence;
import org.bitscarp.model.Tokenizer;

/**
 * The questions of a task as sequences, one for each choice, all choices of a question one after another. Context and
 * choice are encoded together and split where the context's own encoding ends, as lm-evaluation-harness does ({@code
 * _encode_pair}); trailing spaces of a context belong to the choice.
 *
 * @param task that they are of
 * @param sequences of all choices of all questions
 * @param shortened sequences that were too long and lost tokens at their beginning
 */
public record TaskSequences(Task task, List<ScoredSequence> sequences, int shortened) {
    public TaskSequences {
        sequences = List.copyOf(sequences);
    }

    /**
     * @param longest tokens that a model can read at once
     * @throws TextException when a choice alone is longer than that, or a token lies outside the vocabulary
     */
    public static TaskSequences of(Task task, Tokenizer tokenizer, int vocabulary, int longest) throws TextException {
        List<ScoredSequence> sequences = new ArrayList<>();
        int shortened = 0;
        for (Question question : task.questions()) {
            int context = tokenizer.encode(question.context(), true).length;
            for (String choice : question.choices()) {
                int[] tokens = tokenizer.encode(question.context() + " " + choice, true);
                check(task, tokens, vocabulary);
                // Where the choice changes how the context's end is cut into tokens, at least one token stays scored.
                int from = Math.max(1, Math.min(context, tokens.length - 1));
                int surplus = Math.max(0, tokens.length - 1 - longest);
                if (surplus >= from) {
                    throw new TextException("task " + task.name() + ": a choice of " + (tokens.length - from)
                            + " tokens, and the model reads " + longest + " at once");
                }
                shortened += surplus > 0 ? 1 : 0;
                sequences.add(new ScoredSequence(Arrays.copyOfRange(tokens, surplus, tokens.length), from - surplus));
            }
        }
        return new TaskSequences(task, sequences, shortened);
    }

    private static void check(Task task, int[] tokens, int vocabulary) throws TextException {
        for (int token : tokens) {
            if (token < 0 || token >= vocabulary) {
                throw new TextException("task " + task.name() + ": the tokenizer gives token " + token
                        + " but the model has " + vocabulary + " embeddings; they do not belong together");
            }
        }
        if (tokens.length < 2) {
            throw new TextException("task " + task.name() + ": a question of " + tokens.length + " tokens");
        }
    }
}
