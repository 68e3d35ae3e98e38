package org.bitscarp.eval.task;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.bitscarp.datasets.tasks.Question;
import org.bitscarp.datasets.tasks.Task;
import org.bitscarp.datasets.tasks.TaskLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AnswersTest {
    private static Task task(Question... questions) {
        return new Task("t", TaskLayout.PLAIN, "", List.of(questions));
    }

    @Test
    void theLeastSurprisingChoiceIsTheAnswer() {
        Task task = task(
                new Question("q", List.of("a", "long answer"), 0),
                new Question("q", List.of("a", "long answer", "b"), 1),
                new Question("q", List.of("a", "b"), 0));
        // By itself the short choice wins, per character the long one; of equals the first.
        Answers answers = Answers.of(task, new double[] {2, 4, 2, 4, 3, 5, 5});
        assertArrayEquals(new boolean[] {true, false, true}, answers.right());
        assertArrayEquals(new boolean[] {false, true, true}, answers.rightNormalized());
        assertEquals(2 / 3.0, Answers.share(answers.right()));
    }

    @Test
    void whatIsNotANumberIsNeverRight() {
        Task task = task(new Question("q", List.of("a", "b"), 0), new Question("q", List.of("a", "b"), 1));
        double nan = Double.NaN;
        Answers answers = Answers.of(task, new double[] {nan, nan, nan, 3});
        assertArrayEquals(new boolean[] {false, true}, answers.right());
        assertArrayEquals(new boolean[] {false, true}, answers.rightNormalized());
    }

    /** p from scipy 1.17 {@code binomtest(min(gained, lost), gained + lost)}. */
    @ParameterizedTest
    @CsvSource({
        "0, 0, 1",
        "0, 1, 1.0",
        "1, 2, 1.0",
        "3, 9, 0.14599609375",
        "40, 150, 3.5861356867767237e-16",
        "600, 500, 0.0028195449914364284",
        "7, 0, 0.015625"
    })
    void mcNemarIsTheExactBinomialTest(int gained, int lost, String p) {
        boolean[] level = new boolean[2000];
        boolean[] reference = new boolean[2000];
        java.util.Arrays.fill(level, 0, gained, true);
        java.util.Arrays.fill(reference, gained, gained + lost, true);
        java.util.Arrays.fill(level, 1900, 2000, true);
        java.util.Arrays.fill(reference, 1900, 2000, true);
        McNemar test = McNemar.of(level, reference);
        assertEquals(gained, test.gained());
        assertEquals(lost, test.lost());
        double expected = Double.parseDouble(p);
        assertEquals(expected, test.p(), 1e-10 * expected);
    }
}
