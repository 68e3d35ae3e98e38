package org.bitscarp.datasets.tasks;

import java.util.List;

/**
 * A question with answers to choose from, as a model reads it.
 *
 * @param context what comes before the answer
 * @param choices the answers as they stand in the file; between context and choice comes one space
 * @param answer index of the right one
 */
public record Question(String context, List<String> choices, int answer) {
    public Question {
        choices = List.copyOf(choices);
        if (context.isBlank()) {
            throw new IllegalArgumentException("the question is empty");
        }
        if (choices.size() < 2) {
            throw new IllegalArgumentException(choices.size() + " choices; expected at least two");
        }
        if (choices.stream().anyMatch(String::isBlank)) {
            throw new IllegalArgumentException("choice "
                    + choices.indexOf(
                            choices.stream().filter(String::isBlank).findFirst().orElseThrow())
                    + " is empty");
        }
        if (answer < 0 || answer >= choices.size()) {
            throw new IllegalArgumentException("answer " + answer + " of " + choices.size()
                    + " choices; files of a hidden test set have no answers");
        }
    }
}
