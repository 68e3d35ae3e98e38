package org.bitscarp.eval.report;

import java.util.ArrayDeque;
import java.util.Deque;

/** Writes elements of HTML and SVG that are well-formed XML too: everything is escaped, every element closed. */
final class Svg {
    private final StringBuilder out = new StringBuilder();
    private final Deque<String> open = new ArrayDeque<>();

    /** Opens an element; {@code attributes} are names and values in turn, a null value leaves its attribute out. */
    Svg open(String name, Object... attributes) {
        tag(name, attributes).append('>');
        open.push(name);
        return this;
    }

    /** Closes the element opened last. */
    Svg close() {
        out.append("</").append(open.pop()).append('>');
        return this;
    }

    /** An element without content. */
    Svg leaf(String name, Object... attributes) {
        tag(name, attributes).append("/>");
        return this;
    }

    /** An element with text in it. */
    Svg element(String name, String text, Object... attributes) {
        return open(name, attributes).text(text).close();
    }

    Svg text(String text) {
        out.append(escape(text));
        return this;
    }

    /** Markup that another writer of this class made. */
    Svg raw(Svg other) {
        out.append(other);
        return this;
    }

    /** A style sheet, in which HTML resolves no escapes: it must not contain {@code <} or {@code &}. */
    Svg style(String css) {
        if (css.indexOf('<') >= 0 || css.indexOf('&') >= 0) {
            throw new IllegalArgumentException("style sheet contains < or &, which HTML and XML read differently");
        }
        out.append("<style>").append(css).append("</style>");
        return this;
    }

    /** A line break of the source, where white space does not show. */
    Svg newline() {
        out.append('\n');
        return this;
    }

    private StringBuilder tag(String name, Object... attributes) {
        out.append('<').append(name);
        for (int i = 0; i < attributes.length; i += 2) {
            Object value = attributes[i + 1];
            if (value != null) {
                String text = value instanceof Double x ? coordinate(x) : value.toString();
                out.append(' ')
                        .append(attributes[i])
                        .append("=\"")
                        .append(escape(text))
                        .append('"');
            }
        }
        return out;
    }

    /** A coordinate in pixels with at most one decimal. */
    static String coordinate(double x) {
        double rounded = Math.round(x * 10) / 10.0;
        return rounded == Math.rint(rounded) ? Long.toString((long) rounded) : Double.toString(rounded);
    }

    /**
     * Text for content and for attributes in quotes. Characters that XML 1.0 section 2.2 forbids become U+FFFD, and so
     * do those that turn the direction of the text after them.
     */
    static String escape(String text) {
        if (text == null) {
            return "";
        }
        StringBuilder out = new StringBuilder(text.length());
        text.codePoints().forEach(c -> {
            switch (c) {
                case '&' -> out.append("&amp;");
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                case '"' -> out.append("&quot;");
                case '\'' -> out.append("&#39;");
                default -> out.appendCodePoint(legal(c) ? c : 0xFFFD);
            }
        });
        return out.toString();
    }

    private static boolean legal(int c) {
        if (c >= 0x7F && c < 0xA0 || c >= 0x202A && c <= 0x202E || c >= 0x2066 && c <= 0x2069) {
            return false;
        }
        return c == '\t'
                || c == '\n'
                || c == '\r'
                || c >= 0x20 && c < 0xD800
                || c >= 0xE000 && c < 0xFFFE
                || c >= 0x10000;
    }

    @Override
    public String toString() {
        return out.toString();
    }
}
