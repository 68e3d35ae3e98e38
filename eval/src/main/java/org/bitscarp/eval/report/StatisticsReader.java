package org.bitscarp.eval.report;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.bitscarp.eval.stats.ChangePoint;
import org.bitscarp.eval.stats.DivergenceSpread;
import org.bitscarp.eval.stats.Loss;
import tools.jackson.databind.JsonNode;

/** Reads what {@link StatisticsJson} writes; results from before it was written have none. */
final class StatisticsReader extends JsonFields {
    StatisticsReader(String source) {
        super(source);
    }

    Statistics statistics(JsonNode root) throws IOException {
        JsonNode node = root.path("statistics");
        if (node.isMissingNode() || node.isNull()) {
            return null;
        }
        JsonNode bootstrap = object(node, "bootstrap");
        List<Statistics.OfLevel> levels = new ArrayList<>();
        for (JsonNode level : array(node, "levels")) {
            levels.add(level(level));
        }
        return new Statistics(
                text(node, "reference"),
                number(node, "margin"),
                number(node, "margin_used"),
                number(node, "broken"),
                new Statistics.Bootstrap(
                        count(bootstrap, "block_length"),
                        count(bootstrap, "automatic_block_length"),
                        count(bootstrap, "blocks"),
                        count(bootstrap, "resamples"),
                        integer(bootstrap, "seed"),
                        number(bootstrap, "critical")),
                noiseFloor(field(node, "noise_floor")),
                changePoint(field(node, "change_point")),
                List.copyOf(levels));
    }

    private Statistics.NoiseFloor noiseFloor(JsonNode node) throws IOException {
        return node.isNull()
                ? null
                : new Statistics.NoiseFloor(
                        number(node, "scale"),
                        integer(node, "seed"),
                        number(node, "delta_log_ppl"),
                        interval(node, "delta_log_ppl_ci95"),
                        number(node, "kld_mean"),
                        number(node, "same_top1"),
                        spread(node));
    }

    private ChangePoint changePoint(JsonNode node) throws IOException {
        if (node.isNull()) {
            return null;
        }
        double[] interval = interval(node, "bits_per_weight_ci95");
        return new ChangePoint(number(node, "bits_per_weight"), interval[0], interval[1], number(node, "nats_per_bit"));
    }

    private Statistics.OfLevel level(JsonNode node) throws IOException {
        return new Statistics.OfLevel(
                text(node, "level"),
                number(node, "delta_log_ppl"),
                interval(node, "delta_log_ppl_ci95"),
                number(node, "delta_log_ppl_stderr"),
                interval(node, "delta_log_ppl_simultaneous95"),
                loss(text(node, "verdict")),
                integer(node, "more_tokens"),
                text(node, "group"),
                interval(node, "kld_ci95"),
                spread(node));
    }

    private Loss loss(String verdict) throws IOException {
        return Arrays.stream(Loss.values())
                .filter(loss -> loss.text().equals(verdict))
                .findFirst()
                .orElseThrow(() -> new IOException(source + ": field verdict is " + verdict + ", expected one of "
                        + Arrays.stream(Loss.values()).map(Loss::text).collect(Collectors.joining(", "))));
    }

    private DivergenceSpread spread(JsonNode node) throws IOException {
        List<DivergenceSpread.Bucket> buckets = new ArrayList<>();
        for (JsonNode bucket : array(node, "by_confidence")) {
            buckets.add(new DivergenceSpread.Bucket(
                    number(bucket, "from"),
                    number(bucket, "to"),
                    integer(bucket, "tokens"),
                    number(bucket, "kld_mean"),
                    number(bucket, "same_top1")));
        }
        return new DivergenceSpread(
                number(node, "kld_min"),
                quantiles(node, "kld_percentiles"),
                number(node, "kld_max"),
                number(node, "same_top5"),
                number(node, "delta_p_mean"),
                number(node, "delta_p_rms"),
                quantiles(node, "delta_p_percentiles"),
                List.copyOf(buckets));
    }

    private double[] interval(JsonNode node, String name) throws IOException {
        return of(2, node, name);
    }

    private double[] quantiles(JsonNode node, String name) throws IOException {
        return of(DivergenceSpread.shares().length, node, name);
    }

    private double[] of(int length, JsonNode node, String name) throws IOException {
        double[] values = numbers(node, name);
        if (values == null || values.length != length) {
            throw new IOException(source + ": field " + name + " has " + (values == null ? 0 : values.length)
                    + " numbers, expected " + length);
        }
        return values;
    }
}
