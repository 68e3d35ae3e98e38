package org.bitscarp.eval.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Prompts out of a text that was measured anyway. */
public final class Prompts {
    private Prompts() {}

    /**
     * {@code count} runs of {@code length} tokens at even distances, each the beginning of a window that all levels read;
     * fewer where the text is too short.
     */
    public static List<int[]> of(int[] text, int count, int length) {
        List<int[]> prompts = new ArrayList<>();
        int step = text.length / count;
        for (int i = 0; i < count && (long) i * step + length <= text.length; i++) {
            prompts.add(Arrays.copyOfRange(text, i * step, i * step + length));
        }
        return prompts;
    }
}
