package org.bitscarp.eval.report;

import java.util.ArrayList;
import java.util.List;
import org.bitscarp.eval.report.SensitivityResult.Part;

/** A sensitivity result as rows of text, and as one sentence. */
final class SensitivityTables {
    static final List<String> HEAD = List.of(
            "Part",
            "Weights",
            "KL alone",
            "±",
            "Δ % alone",
            "95 % interval",
            "KL all but",
            "Recovered %",
            "KL per MB saved");
    static final String LEGEND =
            "KL alone: divergence in nats per token when only this part is quantized. KL all but: when"
                    + " everything else is; recovered: the share of the whole model's divergence that keeping this part takes away."
                    + " Per MB saved: against 16 bits per weight, for choosing what to keep.";

    private SensitivityTables() {}

    static String name(Part part) {
        return part.wholeLayer() ? "layer " + part.layer() : "layer " + part.layer() + " " + part.name();
    }

    static List<List<String>> rows(SensitivityResult result, int most) {
        List<List<String>> rows = new ArrayList<>();
        for (Part part : result.ranked().stream().limit(most).toList()) {
            double saved = (2.0 * part.weights() - part.bytes()) / 1e6;
            rows.add(List.of(
                    name(part),
                    Figures.grouped(part.weights()),
                    Figures.nats(part.alone().kld()),
                    Figures.nats(part.alone().kldStderr()),
                    Figures.signed(Math.expm1(part.alone().logRatio())),
                    StatisticsTables.interval(part.alone().logRatioCi95()),
                    Figures.nats(part.without().kld()),
                    Figures.fixed(100 * result.recovered(part), 1),
                    saved > 0 ? Figures.nats(part.alone().kld() / saved) : Figures.NONE));
        }
        return rows;
    }

    static String verdict(SensitivityResult result) {
        List<Part> ranked = result.ranked();
        Part worst = ranked.getFirst();
        return result.level() + " everywhere costs " + Figures.nats(result.all().kld()) + " nats per token (perplexity "
                + Figures.roughPercent(Math.expm1(result.all().logRatio())) + "). The costliest part alone is "
                + name(worst) + ", " + Figures.nats(worst.alone().kld()) + " nats; keeping it recovers "
                + Figures.fixed(100 * result.recovered(worst), 0) + " %.";
    }
}
