package org.bitscarp.eval.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/** What a reader of merged sweeps has to know before comparing their figures. */
final class MergedNotes {
    private final MergedSweeps merged;
    private final List<String> notes = new ArrayList<>();

    MergedNotes(MergedSweeps merged) {
        this.merged = merged;
    }

    List<String> all() {
        if (merged.perByte()) {
            notes.add(
                    "Tokenizers differ, so perplexities and divergences per token do not compare: tables and charts show"
                            + " bits per byte of text. Windows have the same number of tokens, which is not the same length of"
                            + " text.");
        }
        differing("Arithmetic differs", SweepResult::compute);
        differing("Versions of the program differ", SweepResult::bitscarp);
        for (int s = 0; s < merged.series().size(); s++) {
            double apart = merged.disagreement(s, row -> row.score().perplexity());
            if (!Double.isNaN(apart)) {
                notes.add(merged.series().get(s)
                        + " was measured more than once; perplexities of a level differ by up to "
                        + Figures.errorPercent(apart) + " % between its sweeps.");
            }
        }
        long unsound = merged.entries().stream().filter(e -> !e.row().sound()).count();
        if (unsound > 0) {
            notes.add(unsound + " of " + merged.entries().size()
                    + " levels have scores that are not finite; they are in the table and in no chart.");
        }
        for (int s = 0; s < merged.sweeps().size(); s++) {
            String source = merged.sweeps().size() == 1 ? "" : merged.sources().get(s) + ": ";
            merged.sweeps().get(s).notes().forEach(note -> notes.add(source + note));
        }
        return List.copyOf(notes);
    }

    private void differing(String what, Function<SweepResult, String> value) {
        Set<String> values = MergedSweeps.distinct(merged.sweeps(), value);
        if (values.size() > 1) {
            notes.add(what + ": " + values.stream().map(String::valueOf).collect(Collectors.joining(", ")) + ".");
        }
    }
}
