package org.bitscarp.quant;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * The words after the first of a level string. A format family asks for what it understands; what it asked for is what
 * is allowed, and whatever is left at the end is an error.
 */
final class Modifiers {
    private final String level;
    private final List<String> left;
    private final List<String> allowed = new ArrayList<>();

    /**
     * @param level the whole level string, for messages
     * @param words the words after the first, in lower case
     */
    Modifiers(String level, List<String> words) {
        this.level = level;
        this.left = new ArrayList<>(words);
    }

    /** Takes {@code g<N>} or one of the named scopes ({@code row}, {@code tensor}). */
    BlockScope scope(BlockScope otherwise, String... named) {
        allowed.add("g<N>");
        allowed.addAll(List.of(named));
        List<String> names = List.of(named);
        String word = take(candidate -> candidate.matches("g-?\\d+") || names.contains(candidate));
        if (word == null) {
            return otherwise;
        }
        return switch (word) {
            case "row" -> BlockScope.ROW;
            case "tensor" -> BlockScope.TENSOR;
            default -> BlockScope.group(groupSize(word));
        };
    }

    private int groupSize(String word) {
        try {
            int size = Integer.parseInt(word.substring(1));
            if (size >= 1) {
                return size;
            }
        } catch (NumberFormatException tooLarge) {
            // Digits only, so it does not fit: the same message serves.
        }
        throw new LevelException(
                "\"" + level + "\": \"" + word + "\" is no group size; write g1 to g" + Integer.MAX_VALUE);
    }

    /** Takes at most one of the words; the first is the default. */
    String choice(String... words) {
        String word = optional(words);
        return word == null ? words[0] : word;
    }

    /** Takes at most one of the words; null where none is there. */
    String optional(String... words) {
        List<String> choices = List.of(words);
        allowed.addAll(choices);
        return take(choices::contains);
    }

    /** Takes {@code <prefix><N>}, N from 0 on. */
    int number(String prefix, int otherwise) {
        allowed.add(prefix + "<N>");
        String word = take(candidate -> candidate.matches(prefix + "\\d{1,9}"));
        return word == null ? otherwise : Integer.parseInt(word.substring(prefix.length()));
    }

    /** Whether a word was written and nobody has taken it yet. */
    boolean has(String word) {
        return left.contains(word);
    }

    private String take(Predicate<String> fits) {
        List<String> found = left.stream().filter(fits).toList();
        if (found.size() > 1) {
            String first = found.get(0);
            String second = found.get(1);
            throw new LevelException("\"" + level + "\": "
                    + (first.equals(second)
                            ? "\"" + first + "\" stands there twice"
                            : "\"" + first + "\" and \"" + second + "\" contradict each other")
                    + "; write one");
        }
        left.removeAll(found);
        return found.isEmpty() ? null : found.get(0);
    }

    /**
     * Ends reading.
     *
     * @param head the level's first word
     * @throws LevelException when a word is left that nobody asked for
     */
    void finish(String head) {
        if (left.isEmpty()) {
            return;
        }
        String word = left.get(0);
        String after = allowed.isEmpty() ? "nothing may follow " + head : head + " takes " + String.join(", ", allowed);
        throw new LevelException(
                "\"" + level + "\": unknown word \"" + word + "\"" + Suggestion.of(word, allowed) + "; " + after);
    }
}
