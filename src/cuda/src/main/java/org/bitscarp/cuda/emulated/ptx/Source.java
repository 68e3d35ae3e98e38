package org.bitscarp.cuda.emulated.ptx;

/** Characters of PTX with comments skipped and lines counted. */
final class Source {
    private final String text;
    private int at;
    private int line = 1;

    Source(String text) {
        this.text = text;
        skipBlanks();
    }

    boolean ended() {
        return at >= text.length();
    }

    int line() {
        return line;
    }

    char peek() {
        return ended() ? '\0' : text.charAt(at);
    }

    private char take() {
        char c = text.charAt(at++);
        if (c == '\n') {
            line++;
        }
        return c;
    }

    void expect(char c) {
        if (peek() != c) {
            throw new PtxException(line, "expected '" + c + "', found '" + peek() + "'");
        }
        take();
        skipBlanks();
    }

    /** Up to the next of {@code stops}, which stays; comments and line ends become blanks. */
    String until(String stops) {
        StringBuilder taken = new StringBuilder();
        while (!ended() && stops.indexOf(peek()) < 0) {
            if (startsComment()) {
                skipBlanks();
                taken.append(' ');
            } else if (peek() == '"') {
                taken.append(quoted());
            } else {
                char c = take();
                taken.append(Character.isWhitespace(c) ? ' ' : c);
            }
        }
        return taken.toString().strip();
    }

    private String quoted() {
        StringBuilder taken = new StringBuilder().append(take());
        while (!ended() && peek() != '"') {
            taken.append(take());
        }
        return taken.append(take()).toString();
    }

    /** A name, a directive or an opcode; {@code ::} occurs in those. */
    String word() {
        int from = at;
        while (!ended()) {
            if (text.startsWith("::", at)) {
                at += 2;
            } else if (Character.isLetterOrDigit(peek()) || "._$%".indexOf(peek()) >= 0) {
                take();
            } else {
                break;
            }
        }
        String word = text.substring(from, at);
        skipBlanks();
        return word;
    }

    /** Takes {@code c} if it comes next. */
    boolean takes(char c) {
        if (peek() == c) {
            take();
            skipBlanks();
            return true;
        }
        return false;
    }

    /** The rest of the line. */
    void skipLine() {
        while (!ended() && peek() != '\n') {
            take();
        }
        skipBlanks();
    }

    void skipBlanks() {
        while (!ended()) {
            if (Character.isWhitespace(peek())) {
                take();
            } else if (text.startsWith("//", at)) {
                while (!ended() && peek() != '\n') {
                    take();
                }
            } else if (text.startsWith("/*", at)) {
                while (!ended() && !text.startsWith("*/", at)) {
                    take();
                }
                at = Math.min(text.length(), at + 2);
            } else {
                return;
            }
        }
    }

    private boolean startsComment() {
        return text.startsWith("//", at) || text.startsWith("/*", at);
    }
}
