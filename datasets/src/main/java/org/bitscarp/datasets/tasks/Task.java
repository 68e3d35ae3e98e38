package org.bitscarp.datasets.tasks;

import java.util.List;

/**
 * A file of questions.
 *
 * @param name file name, for people
 * @param layout how the file was read, and so what the model is shown
 * @param sha256 (hex) of the file
 * @param questions in the order of the file
 */
public record Task(String name, TaskLayout layout, String sha256, List<Question> questions) {
    public Task {
        questions = List.copyOf(questions);
    }

    /** The first {@code limit} questions. */
    public Task first(int limit) {
        return limit >= questions.size() ? this : new Task(name, layout, sha256, questions.subList(0, limit));
    }

    /** Share of right answers that guessing gives. */
    public double chance() {
        return questions.stream()
                .mapToDouble(q -> 1.0 / q.choices().size())
                .average()
                .orElse(0);
    }
}
