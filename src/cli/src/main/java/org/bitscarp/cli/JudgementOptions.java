package org.bitscarp.cli;

import java.util.ArrayList;
import java.util.List;
import org.bitscarp.eval.Judgement;
import org.bitscarp.quant.Level;
import picocli.CommandLine.Option;

/** Options of what levels are compared with and by what they are judged. */
final class JudgementOptions {
    @Option(
            names = "--reference",
            paramLabel = "LEVEL",
            description = "The level that all others are compared with; default: the first.")
    private String reference;

    @Option(
            names = "--margin",
            defaultValue = "1",
            paramLabel = "PERCENT",
            description = "Rise of perplexity over the reference up to which a level counts as unharmed; default:"
                    + " ${DEFAULT-VALUE} %%.")
    private double margin;

    @Option(
            names = "--broken",
            defaultValue = "50",
            paramLabel = "PERCENT",
            description = "Rise of perplexity from which a level counts as broken; default: ${DEFAULT-VALUE} %%.")
    private double broken;

    @Option(
            names = "--no-noise-floor",
            description = "Do not run the reference once more with noise of the size of bf16 rounding, which shows what"
                    + " another machine would change and takes as long as one level.")
    private boolean withoutNoiseFloor;

    /** The levels with the chosen reference in front. */
    List<Level> order(List<Level> levels) {
        if (reference == null) {
            return levels;
        }
        Level first = Level.parse(reference);
        if (!levels.contains(first)) {
            throw new UsageException("--reference " + reference + " is none of the levels " + levels);
        }
        List<Level> ordered = new ArrayList<>(levels);
        ordered.remove(first);
        ordered.addFirst(first);
        return ordered;
    }

    Judgement judgement() {
        try {
            Judgement judgement = Judgement.of(margin / 100, broken / 100);
            return withoutNoiseFloor ? judgement.withoutNoise() : judgement;
        } catch (IllegalArgumentException e) {
            throw new UsageException("--margin " + margin + ", --broken " + broken + ": " + e.getMessage());
        }
    }
}
