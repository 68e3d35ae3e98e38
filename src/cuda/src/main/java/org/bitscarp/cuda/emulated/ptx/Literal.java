package org.bitscarp.cuda.emulated.ptx;

/** Numbers as PTX writes them. */
public final class Literal {
    private Literal() {}

    public static boolean is(String text) {
        char c = text.charAt(0);
        return Character.isDigit(c) || (c == '-' && text.length() > 1 && Character.isDigit(text.charAt(1)));
    }

    /** Its bits: {@code 0f3F800000} and {@code 0d…} as they stand, integers as they are. */
    public static long bits(String text, int line) {
        try {
            String body = text.startsWith("-") ? text.substring(1) : text;
            long bits;
            if (body.startsWith("0f") || body.startsWith("0F")) {
                bits = Integer.parseUnsignedInt(body.substring(2), 16) & 0xffffffffL;
                return text.startsWith("-") ? bits ^ 0x80000000L : bits;
            } else if (body.startsWith("0d") || body.startsWith("0D")) {
                bits = Long.parseUnsignedLong(body.substring(2), 16);
                return text.startsWith("-") ? bits ^ Long.MIN_VALUE : bits;
            }
            String digits = body.endsWith("U") ? body.substring(0, body.length() - 1) : body;
            if (digits.startsWith("0x") || digits.startsWith("0X")) {
                bits = Long.parseUnsignedLong(digits.substring(2), 16);
            } else if (digits.length() > 1 && digits.startsWith("0")) {
                bits = Long.parseUnsignedLong(digits.substring(1), 8);
            } else {
                bits = Long.parseUnsignedLong(digits);
            }
            return text.startsWith("-") ? -bits : bits;
        } catch (NumberFormatException e) {
            throw new PtxException(line, "number is not understood: " + text);
        }
    }
}
