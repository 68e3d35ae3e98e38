package org.bitscarp.eval.report;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.eval.report.MergedSweeps.Entry;
import org.bitscarp.eval.report.MergedSweeps.Upset;
import org.bitscarp.eval.report.SweepResult.Row;

/** The words and tables of merged sweeps, the same for pages, Markdown and LaTeX. */
final class MergedTables {
    static final List<String> SWEEP_HEAD =
            List.of("Sweep", "Folder", "Model", "Parameters", "Device", "Arithmetic", "Calibration", "Run");

    private final MergedSweeps merged;
    private final Map<Integer, Cells> cells = new HashMap<>();

    MergedTables(MergedSweeps merged) {
        this.merged = merged;
        for (int s = 0; s < merged.sweeps().size(); s++) {
            cells.put(s, new Cells(merged.sweeps().get(s)));
        }
    }

    String title() {
        return merged.series().size() == 1
                ? merged.series().getFirst() + " at every level"
                : merged.series().size() + " models at every level";
    }

    /** What the comparison found, in one or two sentences. */
    String verdict() {
        String worth = merged.frontier().size() + " of " + merged.entries().size()
                + " levels are worth their bytes: nothing smaller is as good.";
        return merged.upset().map(this::sentence).map(s -> s + " " + worth).orElse(worth);
    }

    private String sentence(Upset upset) {
        return "A larger model at fewer bits wins: " + described(upset.larger()) + " beats "
                + described(upset.smaller()) + ".";
    }

    private String described(Entry entry) {
        return merged.name(entry) + " " + entry.row().level() + " ("
                + Figures.size(entry.row().bytes()) + ", " + merged.qualityName() + " " + quality(entry) + ")";
    }

    List<String> head() {
        List<String> head = new ArrayList<>(List.of("Model"));
        if (merged.sweeps().size() > 1) {
            head.add("Sweep");
        }
        head.addAll(figuresHead());
        head.add("Worth it");
        return head;
    }

    /** Of the columns that are not the same for a whole sweep; the first is the level. */
    List<String> figuresHead() {
        return merged.perByte()
                ? List.of("Level", "Bits/weight", "MB", "Bits/byte", "KL, bits/byte")
                : List.of("Level", "Bits/weight", "MB", "Perplexity", "Δ %", "95 % interval", "KL", "Same top-1 %");
    }

    List<List<String>> rows() {
        return merged.entries().stream().map(this::row).toList();
    }

    private List<String> row(Entry entry) {
        List<String> line = new ArrayList<>(List.of(merged.name(entry)));
        if (merged.sweeps().size() > 1) {
            line.add(Integer.toString(entry.sweep() + 1));
        }
        line.addAll(figures(entry));
        line.add(worthIt(entry) ? "yes" : Figures.NONE);
        return line;
    }

    boolean worthIt(Entry entry) {
        return merged.frontier().contains(entry);
    }

    List<String> figures(Entry entry) {
        Row row = entry.row();
        Cells of = cells.get(entry.sweep());
        List<String> line = new ArrayList<>(
                List.of(row.level(), Figures.bitsColumn(row.bitsPerWeight()), of.megabytes(row), quality(entry)));
        if (!merged.perByte()) {
            line.addAll(List.of(of.delta(row), of.interval(row)));
        }
        line.add(row.reference() || row.divergence() == null ? Figures.NONE : Figures.nats(merged.divergence(entry)));
        if (!merged.perByte()) {
            line.add(of.sameTop1(row));
        }
        return line;
    }

    private String quality(Entry entry) {
        Cells of = cells.get(entry.sweep());
        return merged.perByte() ? of.bitsPerByte(entry.row()) : of.perplexity(entry.row(), 0);
    }

    String legend() {
        return "Bits/weight are measured over the quantized matrices, MB (10^6 bytes) over the whole model. "
                + (merged.perByte()
                        ? "Bits/byte are what a byte of the text costs, comparable between tokenizers; KL is the mean"
                                + " divergence from the model's own reference in the same unit."
                        : "Δ % is the perplexity against the model's own reference, ≈ a tie; KL is the mean divergence"
                                + " from it in nats per token.")
                + " Worth it: no other level of any model has at most as many bytes and is better. Between models no"
                + " test was made.";
    }

    List<List<String>> sweeps() {
        List<List<String>> rows = new ArrayList<>();
        for (int s = 0; s < merged.sweeps().size(); s++) {
            SweepResult sweep = merged.sweeps().get(s);
            rows.add(List.of(
                    Integer.toString(s + 1),
                    merged.sources().get(s),
                    String.valueOf(sweep.model().path()),
                    Figures.grouped(sweep.model().parameters()),
                    String.valueOf(sweep.device()),
                    String.valueOf(sweep.compute()),
                    sweep.calibration() == null ? "none" : sweep.calibration(),
                    sweep.started() + ", " + Figures.duration(sweep.seconds())));
        }
        return rows;
    }

    /** What all sweeps have in common. */
    String method() {
        SweepResult any = merged.sweeps().getFirst();
        return any.text().name() + " (" + Figures.size(any.text().bytes()) + " of UTF-8, sha256 "
                + any.text().sha256() + "), protocol " + merged.protocol().name() + ", context "
                + Figures.grouped(merged.protocol().context()) + ", stride "
                + Figures.grouped(merged.protocol().stride()) + ". "
                + merged.protocol().description();
    }
}
