package org.bitscarp.eval.report;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import org.bitscarp.eval.report.SweepResult.Divergence;
import org.bitscarp.eval.report.SweepResult.Row;
import org.bitscarp.eval.report.SweepResult.Score;

/**
 * {@code results.csv}: a header and one record per level, RFC 4180 (CRLF, quotes doubled), columns named as in
 * {@code results.json}. Figures of further protocols follow in columns that carry the protocol's name,
 * {@code perplexity_sliding}. Notes on the whole sweep stand in the reference's row, separated by {@code |}. Layer errors are one cell, separated by spaces. What is not finite is {@code nan} or
 * {@code inf}, what was not measured is empty.
 */
public final class CsvReport {
    private static final List<String> SCORE = List.of(
            "perplexity",
            "stderr",
            "nll_sum",
            "tokens_scored",
            "bits_per_byte",
            "delta_ppl",
            "delta_ppl_ci95_low",
            "delta_ppl_ci95_high",
            "tied");

    private static final List<String> CERTAINTY = List.of(
            "delta_log_ppl",
            "delta_log_ppl_ci95_low",
            "delta_log_ppl_ci95_high",
            "delta_log_ppl_stderr",
            "verdict",
            "more_tokens",
            "group",
            "kld_ci95_low",
            "kld_ci95_high",
            "kld_min",
            "kld_p1",
            "kld_p5",
            "kld_p10",
            "kld_p50",
            "kld_p90",
            "kld_p95",
            "kld_p99",
            "kld_p99.9",
            "kld_max",
            "same_top5",
            "delta_p_mean",
            "delta_p_rms");

    private CsvReport() {}

    /** Writes {@code results.csv} in full or not at all. */
    public static void write(SweepResult result, Path file) throws IOException {
        StagedFiles.write(file, render(result));
    }

    /** The whole file as text. */
    public static String render(SweepResult result) {
        StringBuilder out = new StringBuilder();
        record(out, header(result));
        for (Row row : result.rows()) {
            record(out, cells(row, result));
        }
        return out.toString();
    }

    private static List<String> header(SweepResult result) {
        List<String> names = new ArrayList<>(
                List.of("level", "format", "solver", "reference", "bits_per_weight", "model_bits_per_weight", "bytes"));
        names.addAll(SCORE);
        names.addAll(List.of(
                "kld_mean",
                "kld_stderr",
                "same_top1",
                "weight_error",
                "layer_errors",
                "seconds",
                "fallbacks",
                "nonfinite"));
        names.addAll(CERTAINTY);
        names.add("notes");
        for (SweepResult.Protocol protocol :
                result.protocols().subList(1, result.protocols().size())) {
            SCORE.forEach(name -> names.add(name + "_" + protocol.name()));
        }
        return names;
    }

    private static List<String> cells(Row row, SweepResult result) {
        List<String> cells = new ArrayList<>();
        cells.add(row.level());
        cells.add(row.format());
        cells.add(row.solver());
        cells.add(Boolean.toString(row.reference()));
        cells.add(Figures.shortest(row.bitsPerWeight()));
        cells.add(Figures.shortest(row.modelBitsPerWeight()));
        cells.add(Long.toString(row.bytes()));
        score(cells, row.score());
        Divergence divergence = row.divergence();
        cells.add(divergence == null ? "" : Figures.shortest(divergence.kldMean()));
        cells.add(divergence == null ? "" : Figures.shortest(divergence.kldStderr()));
        cells.add(divergence == null ? "" : Figures.shortest(divergence.sameTop1()));
        cells.add(Figures.shortest(row.weightError()));
        cells.add(
                row.layerErrors() == null
                        ? ""
                        : DoubleStream.of(row.layerErrors())
                                .mapToObj(Figures::shortest)
                                .collect(Collectors.joining(" ")));
        cells.add(Figures.shortest(row.seconds()));
        cells.add(Long.toString(row.fallbacks()));
        cells.add(Long.toString(row.nonfinite()));
        certainty(
                cells,
                result.statistics() == null
                        ? null
                        : result.statistics().of(row.level()).orElse(null));
        cells.add(row.reference() ? String.join(" | ", result.notes()) : "");
        row.scores().stream().skip(1).forEach(s -> score(cells, s));
        return cells;
    }

    private static void certainty(List<String> cells, Statistics.OfLevel level) {
        if (level == null) {
            CERTAINTY.forEach(name -> cells.add(""));
            return;
        }
        cells.add(Figures.shortest(level.difference()));
        numbers(cells, level.interval());
        cells.add(Figures.shortest(level.pairedError()));
        cells.add(level.loss().text());
        cells.add(Long.toString(level.moreTokens()));
        cells.add(level.group());
        numbers(cells, level.kldInterval());
        cells.add(Figures.shortest(level.spread().least()));
        numbers(cells, level.spread().kld());
        cells.add(Figures.shortest(level.spread().greatest()));
        cells.add(Figures.shortest(level.spread().sharedTop5()));
        cells.add(Figures.shortest(level.spread().probability()));
        cells.add(Figures.shortest(level.spread().probabilityRms()));
    }

    private static void numbers(List<String> cells, double... values) {
        DoubleStream.of(values).mapToObj(Figures::shortest).forEach(cells::add);
    }

    private static void score(List<String> cells, Score score) {
        double[] interval = score.deltaPplCi95();
        cells.add(Figures.shortest(score.perplexity()));
        cells.add(Figures.shortest(score.stderr()));
        cells.add(Figures.shortest(score.nllSum()));
        cells.add(Long.toString(score.tokensScored()));
        cells.add(Figures.shortest(score.bitsPerByte()));
        cells.add(Figures.shortest(score.deltaPpl()));
        cells.add(interval == null ? "" : Figures.shortest(interval[0]));
        cells.add(interval == null ? "" : Figures.shortest(interval[1]));
        cells.add(Boolean.toString(score.tied()));
    }

    static void record(StringBuilder out, List<String> cells) {
        out.append(cells.stream().map(CsvReport::quoted).collect(Collectors.joining(",")))
                .append("\r\n");
    }

    private static String quoted(String cell) {
        if (cell == null) {
            return "";
        }
        boolean plain = cell.chars().noneMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
        return plain ? cell : '"' + cell.replace("\"", "\"\"") + '"';
    }
}
