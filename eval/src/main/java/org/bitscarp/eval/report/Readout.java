package org.bitscarp.eval.report;

import java.util.List;

/** The figures of a mark, written where they cover no other mark while it has the pointer or the keyboard's focus. */
final class Readout {
    /** Width of a character in units of the font's size. */
    private static final double CHARACTER = 0.6;

    private Readout() {}

    /** At most two lines that fit a chart of that width on a phone, parted after a comma where there is one. */
    static List<String> folded(String text, double width) {
        int fit = (int) (width / (Drawing.FONT * CHARACTER));
        if (text.length() <= fit) {
            return List.of(text);
        }
        int comma = text.lastIndexOf(", ", fit);
        int cut = comma > 0 ? comma : fit;
        String rest = text.substring(cut).replaceFirst("^, ", "");
        return List.of(text.substring(0, cut), rest.length() > fit ? rest.substring(0, fit - 1) + "…" : rest);
    }
}
