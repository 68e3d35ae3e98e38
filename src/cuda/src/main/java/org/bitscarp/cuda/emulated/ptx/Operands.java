package org.bitscarp.cuda.emulated.ptx;

import java.util.ArrayList;
import java.util.List;

/** Splits lists of operands. */
public final class Operands {
    private Operands() {}

    /** At commas outside of brackets; blanks are removed. */
    public static List<String> split(String text, int line) {
        List<String> parts = new ArrayList<>();
        StringBuilder part = new StringBuilder();
        int depth = 0;
        for (char c : text.toCharArray()) {
            if (c == '[' || c == '{' || c == '(') {
                depth++;
            } else if (c == ']' || c == '}' || c == ')') {
                depth--;
            }
            if (c == ',' && depth == 0) {
                parts.add(part.toString());
                part.setLength(0);
            } else if (c != ' ' && c != '\t') {
                part.append(c);
            }
        }
        if (depth != 0) {
            throw new PtxException(line, "brackets do not match: " + text);
        }
        if (!part.isEmpty()) {
            parts.add(part.toString());
        }
        return parts;
    }

    /** Elements of {@code {a,b}}; any other operand is its own only element. */
    public static List<String> elements(String operand, int line) {
        return operand.startsWith("{") ? split(operand.substring(1, operand.length() - 1), line) : List.of(operand);
    }
}
