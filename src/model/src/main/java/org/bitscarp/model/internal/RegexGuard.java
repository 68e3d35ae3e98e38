package org.bitscarp.model.internal;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Refuses regular expressions that can backtrack exponentially. The library's engine (Oniguruma) gives up after ten
 * million steps, and the library turns that into a panic. Patterns of published tokenizers repeat characters and
 * classes, never groups that repeat something themselves.
 */
final class RegexGuard {
    private static final int MAX_LENGTH = 8192;

    /** Of one alternative: the search is a polynomial of at most this degree in the length of a run. */
    private static final int MAX_UNBOUNDED = 4;

    private static final int MAX_REPEAT = 1000;

    /** What is inside a pair of parentheses so far. */
    private static final class Group {
        private boolean repeats;
        private int unbounded;
        private int worst;

        int most() {
            return Math.max(worst, unbounded);
        }
    }

    private final String regex;
    private final String where;
    private int position;

    private RegexGuard(String regex, String where) {
        this.regex = regex;
        this.where = where;
    }

    static void check(String regex, String where) throws Refusal {
        if (regex.isEmpty() || regex.length() > MAX_LENGTH) {
            throw new Refusal(where + ": " + regex.length() + " characters; expected 1 to " + MAX_LENGTH);
        }
        new RegexGuard(regex, where).scan();
    }

    private void scan() throws Refusal {
        Deque<Group> open = new ArrayDeque<>();
        open.push(new Group());
        Group closed = null; // the group that has just ended, for the quantifier after it
        while (position < regex.length()) {
            char c = regex.charAt(position++);
            Group before = closed;
            closed = null;
            switch (c) {
                case '\\' -> escape();
                case '[' -> skipClass();
                case '(' -> open.push(openGroup());
                case ')' -> {
                    if (open.size() == 1) {
                        throw new Refusal(where + ": \")\" without \"(\" at character " + position);
                    }
                    closed = open.pop();
                    open.peek().repeats |= closed.repeats;
                    open.peek().unbounded += closed.most();
                }
                case '|' -> {
                    Group group = open.peek();
                    group.worst = group.most();
                    group.unbounded = 0;
                }
                case '*', '+' -> repeat(open.peek(), before, true);
                case '{' -> braces(open.peek(), before);
                default -> {
                    // An ordinary character, an anchor, or the "?" that makes what is before it optional.
                }
            }
            if (open.peek().most() > MAX_UNBOUNDED) {
                throw new Refusal(
                        where + ": more than " + MAX_UNBOUNDED + " unbounded repeats in one alternative, at character "
                                + position + "; it could run for hours");
            }
        }
        if (open.size() != 1) {
            throw new Refusal(where + ": a \"(\" is not closed");
        }
    }

    private void repeat(Group outer, Group repeated, boolean unbounded) throws Refusal {
        if (repeated != null && repeated.repeats) {
            throw new Refusal(where + ": a repeated group that repeats something itself, at character " + position
                    + "; it could run for hours");
        }
        outer.repeats = true;
        if (unbounded) {
            outer.unbounded++;
        }
        // Lazy and possessive marks belong to the quantifier.
        if (position < regex.length() && (regex.charAt(position) == '?' || regex.charAt(position) == '+')) {
            position++;
        }
        if (position < regex.length() && "*+{".indexOf(regex.charAt(position)) >= 0) {
            throw new Refusal(where + ": a repeated repeat at character " + position);
        }
    }

    /** {@code {n}}, {@code {n,}}, {@code {n,m}}; anything else is literal text. */
    private void braces(Group outer, Group repeated) throws Refusal {
        int end = regex.indexOf('}', position);
        String body = end < 0 ? "" : regex.substring(position, end);
        if (!body.matches("\\d*,?\\d*") || body.isEmpty() || body.equals(",")) {
            return;
        }
        for (String bound : body.split(",")) {
            if (bound.length() > 4 || (!bound.isEmpty() && Integer.parseInt(bound) > MAX_REPEAT)) {
                throw new Refusal(where + ": a repeat count above " + MAX_REPEAT + " at character " + position);
            }
        }
        position = end + 1;
        repeat(outer, repeated, body.endsWith(","));
    }

    private void escape() throws Refusal {
        char c = position < regex.length() ? regex.charAt(position) : '\0';
        // Back references and calls of groups make matching exponential by themselves.
        if (c >= '1' && c <= '9' || c == 'k' || c == 'g') {
            throw new Refusal(where + ": a reference to a group at character " + position + " is not supported");
        }
        position++;
        if ((c == 'p' || c == 'P' || c == 'x') && position < regex.length() && regex.charAt(position) == '{') {
            int end = regex.indexOf('}', position);
            if (end < 0) {
                throw new Refusal(where + ": \"{\" without \"}\" at character " + position);
            }
            position = end + 1;
        }
    }

    private Group openGroup() throws Refusal {
        if (position < regex.length() && regex.charAt(position) == '?') {
            int start = position;
            for (String known : new String[] {"?:", "?=", "?!", "?<=", "?<!", "?>", "?i:", "?i)"}) {
                if (regex.startsWith(known, start)) {
                    // "(?i)" has no content; its ")" is left for the scanner.
                    position += known.endsWith(")") ? known.length() - 1 : known.length();
                    return new Group();
                }
            }
            throw new Refusal(where + ": the group at character " + start + " is of a kind that is not supported");
        } else if (position < regex.length() && regex.charAt(position) == '*') {
            throw new Refusal(where + ": a callout at character " + position + " is not supported");
        }
        return new Group();
    }

    /** Classes nest ({@code [a[b]&&[c]]}); a "]" right after the beginning is literal. */
    private void skipClass() throws Refusal {
        int depth = 1;
        while (depth > 0) {
            if (position >= regex.length()) {
                throw new Refusal(where + ": a \"[\" is not closed");
            }
            char c = regex.charAt(position++);
            if (c == '\\') {
                position++;
            } else if (c == '[') {
                depth++;
            } else if (c == ']' && !atClassStart()) {
                depth--;
            }
        }
    }

    private boolean atClassStart() {
        int before = position - 2;
        if (regex.charAt(before) == '^') {
            before--;
        }
        return before >= 0 && regex.charAt(before) == '[' && (before == 0 || regex.charAt(before - 1) != '\\');
    }
}
