package org.bitscarp.eval.report;

import org.bitscarp.eval.stats.ChangePoint;
import org.bitscarp.eval.stats.DivergenceSpread;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The part {@code statistics} of {@code results.json}. */
final class StatisticsJson {
    private StatisticsJson() {}

    static void add(ObjectNode root, Statistics statistics) {
        if (statistics == null) {
            root.putNull("statistics");
            return;
        }
        ObjectNode node = root.putObject("statistics").put("reference", statistics.reference());
        node.put("margin", statistics.margin())
                .put("margin_used", statistics.marginUsed())
                .put("broken", statistics.broken());
        Statistics.Bootstrap bootstrap = statistics.bootstrap();
        node.putObject("bootstrap")
                .put("block_length", bootstrap.blockLength())
                .put("automatic_block_length", bootstrap.automaticLength())
                .put("blocks", bootstrap.blocks())
                .put("resamples", bootstrap.resamples())
                .put("seed", bootstrap.seed())
                .put("critical", bootstrap.critical());
        noiseFloor(node, statistics.noiseFloor());
        changePoint(node, statistics.changePoint());
        ArrayNode levels = node.putArray("levels");
        statistics.levels().forEach(level -> level(levels.addObject(), level));
    }

    private static void noiseFloor(ObjectNode node, Statistics.NoiseFloor floor) {
        if (floor == null) {
            node.putNull("noise_floor");
            return;
        }
        ObjectNode noise = node.putObject("noise_floor").put("scale", floor.scale());
        noise.put("seed", floor.seed());
        JsonReport.number(noise, "delta_log_ppl", floor.difference());
        JsonReport.numbers(noise, "delta_log_ppl_ci95", floor.interval());
        JsonReport.number(noise, "kld_mean", floor.kldMean());
        JsonReport.number(noise, "same_top1", floor.sameTop1());
        spread(noise, floor.spread());
    }

    private static void changePoint(ObjectNode node, ChangePoint point) {
        if (point == null) {
            node.putNull("change_point");
            return;
        }
        ObjectNode change = node.putObject("change_point").put("bits_per_weight", point.bits());
        JsonReport.numbers(change, "bits_per_weight_ci95", new double[] {point.low(), point.high()});
        change.put("nats_per_bit", point.slope());
    }

    private static void level(ObjectNode node, Statistics.OfLevel level) {
        node.put("level", level.level());
        JsonReport.number(node, "delta_log_ppl", level.difference());
        JsonReport.numbers(node, "delta_log_ppl_ci95", level.interval());
        JsonReport.number(node, "delta_log_ppl_stderr", level.pairedError());
        JsonReport.numbers(node, "delta_log_ppl_simultaneous95", level.simultaneous());
        node.put("verdict", level.loss().text());
        node.put("more_tokens", level.moreTokens());
        node.put("group", level.group());
        JsonReport.numbers(node, "kld_ci95", level.kldInterval());
        spread(node, level.spread());
    }

    private static void spread(ObjectNode node, DivergenceSpread spread) {
        JsonReport.number(node, "kld_min", spread.least());
        JsonReport.numbers(node, "kld_percentiles", spread.kld());
        JsonReport.number(node, "kld_max", spread.greatest());
        JsonReport.number(node, "same_top5", spread.sharedTop5());
        JsonReport.number(node, "delta_p_mean", spread.probability());
        JsonReport.number(node, "delta_p_rms", spread.probabilityRms());
        JsonReport.numbers(node, "delta_p_percentiles", spread.probabilities());
        ArrayNode buckets = node.putArray("by_confidence");
        for (DivergenceSpread.Bucket bucket : spread.buckets()) {
            ObjectNode each = buckets.addObject()
                    .put("from", bucket.from())
                    .put("to", bucket.to())
                    .put("tokens", bucket.tokens());
            JsonReport.number(each, "kld_mean", bucket.kldMean());
            JsonReport.number(each, "same_top1", bucket.sameTop1());
        }
    }
}
