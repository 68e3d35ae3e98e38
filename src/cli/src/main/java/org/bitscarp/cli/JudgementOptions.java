package org.bitscarp.cli;

import org.bitscarp.eval.Judgement;
import picocli.CommandLine.Option;

/** By what levels, or files, are judged. */
final class JudgementOptions {
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

    Judgement judgement() {
        try {
            Judgement judgement = Judgement.of(margin / 100, broken / 100);
            return withoutNoiseFloor ? judgement.withoutNoise() : judgement;
        } catch (IllegalArgumentException e) {
            throw new UsageException("--margin " + margin + ", --broken " + broken + ": " + e.getMessage());
        }
    }
}
