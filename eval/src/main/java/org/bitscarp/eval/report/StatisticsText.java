package org.bitscarp.eval.report;

import java.util.ArrayList;
import java.util.List;
import org.bitscarp.eval.stats.Loss;

/** What limits a sweep's figures, in a few lines for a terminal: undecided levels, the noise floor, notes. */
public final class StatisticsText {
    private StatisticsText() {}

    public static List<String> lines(SweepResult result) {
        List<String> lines = new ArrayList<>();
        Statistics statistics = result.statistics();
        if (statistics != null) {
            for (Statistics.OfLevel level : statistics.levels()) {
                if (level.loss() == Loss.INDETERMINATE) {
                    lines.add(level.level() + ": " + StatisticsTables.verdict(level) + ".");
                }
            }
            if (statistics.noiseFloor() != null) {
                lines.add("Noise floor (rounding to bf16 after every layer): KL "
                        + Figures.nats(statistics.noiseFloor().kldMean()) + ", perplexity "
                        + Figures.signedPercent(
                                Math.expm1(statistics.noiseFloor().difference())) + ".");
            }
            if (statistics.changePoint() != null) {
                lines.add("Losses begin to rise steeply at "
                        + Figures.bits(statistics.changePoint().bits()) + " bits per weight (95 % interval "
                        + Figures.bits(statistics.changePoint().low()) + " to "
                        + Figures.bits(statistics.changePoint().high()) + ").");
            }
        }
        result.notes().forEach(note -> lines.add("Note: " + printable(note)));
        return lines;
    }

    /** Control characters of a hostile name must not reach a terminal. */
    static String printable(String text) {
        return text.replaceAll("[\\p{Cntrl}\\p{Cf}\\p{Cs}]", "?");
    }
}
