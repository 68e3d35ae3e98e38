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
 * {@code perplexity_sliding}. Layer errors are one cell, separated by spaces. What is not finite is {@code nan} or
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
            record(out, cells(row));
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
        for (SweepResult.Protocol protocol :
                result.protocols().subList(1, result.protocols().size())) {
            SCORE.forEach(name -> names.add(name + "_" + protocol.name()));
        }
        return names;
    }

    private static List<String> cells(Row row) {
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
        row.scores().stream().skip(1).forEach(s -> score(cells, s));
        return cells;
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
