package org.bitscarp.model.internal;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Refuses regular expressions that can backtrack for long. The library's engine (Oniguruma) gives up a match after ten
 * million steps, and the library turns that into a panic.
 *
 * <p>What passes needs a number of steps per match that is linear in the text. With one unbounded repeat in an
 * alternative there are n places to go back to. A second one is allowed where nothing mandatory follows it, for then one
 * character decides at each of those places whether the match succeeds. Everything bounded ({@code ?}, <code>{1,3}</code>,
 * alternatives in a group) multiplies that by a number of choices, which is limited too.
 */
final class RegexGuard {
    private static final int MAX_LENGTH = 8192;
    private static final int MAX_UNBOUNDED = 2;

    /** A repeat up to this count is a choice of so many; beyond, it counts as unbounded. */
    private static final int MAX_BOUNDED = 16;

    private static final int MAX_CHOICES = 1000;

    private static final String[] GROUPS = {"?:", "?=", "?!", "?<=", "?<!", "?>", "?i:"};

    /** One alternative after the other between a pair of parentheses. */
    private static final class Group {
        private int unbounded;
        private double choices = 1;
        private int mostUnbounded;
        private double otherChoices;

        void nextAlternative() {
            mostUnbounded = unboundedInAny();
            otherChoices = allChoices();
            unbounded = 0;
            choices = 1;
        }

        int unboundedInAny() {
            return Math.max(mostUnbounded, unbounded);
        }

        double allChoices() {
            return otherChoices + choices;
        }
    }

    private final String regex;
    private final String where;
    private final Deque<Group> open = new ArrayDeque<>();
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
        open.push(new Group());
        while (position < regex.length()) {
            char c = regex.charAt(position++);
            switch (c) {
                case '|' -> open.peek().nextAlternative();
                case '(' -> openGroup();
                case ')' -> {
                    if (open.size() == 1) {
                        throw refusal("\")\" without \"(\"");
                    }
                    Group closed = open.pop();
                    atom(closed.unboundedInAny(), closed.allChoices());
                }
                case '[' -> {
                    skipClass();
                    atom(0, 1);
                }
                case '\\' -> {
                    escape();
                    atom(0, 1);
                }
                case '*', '+', '?' -> throw refusal("a repeat of nothing or of a repeat");
                case '{' -> {
                    position--;
                    if (braces().length > 0) {
                        throw refusal("a repeat of nothing or of a repeat");
                    }
                    position++;
                    atom(0, 1);
                }
                default -> atom(0, 1);
            }
        }
        if (open.size() != 1) {
            throw refusal("a \"(\" is not closed");
        }
    }

    /** Accounts for an atom and the quantifier behind it. */
    private void atom(int unboundedInside, double choicesInside) throws Refusal {
        Group group = open.peek();
        boolean optional = peek('?');
        if (group.unbounded == MAX_UNBOUNDED && !optional) {
            throw refusal("something mandatory after " + MAX_UNBOUNDED + " unbounded repeats");
        }
        boolean simple = unboundedInside == 0 && choicesInside == 1;
        double choices = choicesInside;
        int unbounded = unboundedInside;
        if (peek('*') || peek('+')) {
            position++;
            repeatable(simple);
            unbounded = 1;
        } else if (optional) {
            position++;
            choices++;
        } else if (peek('{')) {
            int[] bounds = braces();
            if (bounds.length == 2) {
                repeatable(simple || bounds[1] <= 1);
                unbounded += bounds[1] > MAX_BOUNDED ? 1 : 0;
                choices *= Math.min(MAX_BOUNDED, bounds[1] - bounds[0]) + 1;
            }
        }
        if (peek('?') || peek('+')) {
            position++; // lazy or possessive
        }
        group.unbounded += unbounded;
        group.choices *= choices;
        if (group.unbounded > MAX_UNBOUNDED || group.choices > MAX_CHOICES) {
            throw refusal("more than " + MAX_UNBOUNDED + " unbounded repeats or " + MAX_CHOICES
                    + " choices in one alternative");
        }
    }

    private void repeatable(boolean simple) throws Refusal {
        if (!simple) {
            throw refusal("a repeated group that repeats or chooses something itself");
        }
    }

    /** Bounds of <code>{n}</code>, <code>{n,}</code>, <code>{n,m}</code>; empty where the brace is literal text. */
    private int[] braces() {
        int end = regex.indexOf('}', position);
        String body = end < 0 ? "" : regex.substring(position + 1, end);
        if (!body.matches("\\d{1,4}(,\\d{0,4})?|,\\d{1,4}")) {
            return new int[0];
        }
        position = end + 1;
        String[] parts = body.split(",", 2);
        int min = parts[0].isEmpty() ? 0 : Integer.parseInt(parts[0]);
        int max = parts.length == 1 ? min : parts[1].isEmpty() ? Integer.MAX_VALUE : Integer.parseInt(parts[1]);
        // The engine takes {m,n} with m > n for a possessive {n,m}.
        return new int[] {Math.min(min, max), Math.max(min, max)};
    }

    private boolean peek(char c) {
        return position < regex.length() && regex.charAt(position) == c;
    }

    private void escape() throws Refusal {
        char c = position < regex.length() ? regex.charAt(position) : '\0';
        // References to groups and calls of them make matching exponential by themselves.
        if (c >= '1' && c <= '9' || c == 'k' || c == 'g') {
            throw refusal("a reference to a group");
        }
        // These match more than one character, or depend on where the search began.
        if (c == 'X' || c == 'R' || c == 'K' || c == 'G') {
            throw refusal("\\" + c + " is not supported");
        }
        position++;
        if ((c == 'p' || c == 'P' || c == 'x' || c == 'o') && peek('{')) {
            int end = regex.indexOf('}', position);
            if (end < 0) {
                throw refusal("\"{\" without \"}\"");
            }
            position = end + 1;
        }
    }

    private void openGroup() throws Refusal {
        if (peek('*')) {
            throw refusal("a callout");
        }
        if (regex.startsWith("?i)", position)) {
            // A switch for the rest of the group, not a group.
            position += 3;
            return;
        }
        if (peek('?')) {
            String kind = null;
            for (String known : GROUPS) {
                kind = kind == null && regex.startsWith(known, position) ? known : kind;
            }
            if (kind == null) {
                throw refusal("a kind of group that is not supported");
            }
            position += kind.length();
        }
        open.push(new Group());
    }

    /** Classes nest ({@code [a[b]&&[c]]}); a "]" right after the beginning is literal. */
    private void skipClass() throws Refusal {
        int depth = 1;
        boolean begins = true;
        while (depth > 0) {
            if (position >= regex.length()) {
                throw refusal("a \"[\" is not closed");
            }
            char c = regex.charAt(position++);
            boolean first = begins;
            begins = false;
            if (c == '\\') {
                position++;
            } else if (c == '[') {
                depth++;
                begins = true;
            } else if (c == '^') {
                begins = first;
            } else if (c == ']' && !first) {
                depth--;
            }
        }
    }

    private Refusal refusal(String what) {
        return new Refusal(where + ": " + what + ", at character " + position + " of the regular expression");
    }
}
