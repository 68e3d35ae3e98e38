package org.bitscarp.model;

import java.io.IOException;

/**
 * A checkpoint that cannot be used, said in one line for the user: file, tensor or key, expected against found, remedy.
 * Names out of untrusted files end up in messages, so control characters are replaced and the length is bounded here.
 */
public class ModelException extends IOException {
    private static final long serialVersionUID = 1L;
    private static final int MAX_LENGTH = 1000;

    public ModelException(String message) {
        super(oneLine(message));
    }

    public ModelException(String message, Throwable cause) {
        super(oneLine(message), cause);
    }

    private static String oneLine(String message) {
        StringBuilder line = new StringBuilder(Math.min(message.length(), MAX_LENGTH) + 1);
        int codePoint;
        for (int i = 0; i < message.length(); i += Character.charCount(codePoint)) {
            if (line.length() >= MAX_LENGTH) {
                line.append('…');
                break;
            }
            codePoint = message.codePointAt(i);
            line.appendCodePoint(printable(codePoint) ? codePoint : '\uFFFD');
        }
        return line.toString();
    }

    private static boolean printable(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> false;
            default -> true;
        };
    }
}
