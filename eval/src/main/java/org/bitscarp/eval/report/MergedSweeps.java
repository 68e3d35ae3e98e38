package org.bitscarp.eval.report;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import org.bitscarp.eval.report.SweepResult.Protocol;
import org.bitscarp.eval.report.SweepResult.Row;

/**
 * Sweeps of one text under one protocol, of several models or from several machines, side by side.
 *
 * @param sources folders that the results came from, in the order given
 * @param sweeps one per folder
 * @param series names of the models, each once
 * @param entries every level of every sweep, sweep after sweep
 * @param perByte whether tokenizers differ, so that only figures per byte of text compare
 * @param frontier entries that no other beats in bytes and quality, from few bytes to many
 * @param notes what a reader has to know about the comparison
 */
public record MergedSweeps(
        List<String> sources,
        List<SweepResult> sweeps,
        List<String> series,
        List<Entry> entries,
        boolean perByte,
        List<Entry> frontier,
        List<String> notes) {
    /** Value of the {@code schema} key of {@code merged.json}. */
    public static final String SCHEMA = "bitscarp.merged/1";

    /**
     * A level of a sweep.
     *
     * @param sweep index into {@link MergedSweeps#sweeps}
     * @param series index into {@link MergedSweeps#series}
     */
    public record Entry(int sweep, int series, Row row) {}

    /**
     * Puts sweeps side by side.
     *
     * @param results by the folder that they came from
     * @throws IOException when two of them do not compare; the message says in what they differ
     */
    public static MergedSweeps of(SequencedMap<String, SweepResult> results) throws IOException {
        List<String> sources = List.copyOf(results.sequencedKeySet());
        List<SweepResult> sweeps = List.copyOf(results.sequencedValues());
        for (int i = 1; i < sweeps.size(); i++) {
            List<String> differences = differences(sweeps.getFirst(), sweeps.get(i));
            if (!differences.isEmpty()) {
                throw new IOException(sources.get(i) + " does not compare with " + sources.getFirst() + ": "
                        + String.join("; ", differences)
                        + ". Measure both with the same --text, --protocol, --context, --stride and --max-tokens.");
            }
        }
        boolean perByte = distinct(sweeps, s -> s.text().tokenizerSha256()).size() > 1;
        SequencedMap<String, String> series = series(sweeps);
        List<String> keys = List.copyOf(series.sequencedKeySet());
        List<Entry> entries = new ArrayList<>();
        for (int s = 0; s < sweeps.size(); s++) {
            for (Row row : sweeps.get(s).rows()) {
                entries.add(new Entry(s, keys.indexOf(key(sweeps.get(s))), row));
            }
        }
        MergedSweeps merged = new MergedSweeps(
                sources,
                sweeps,
                List.copyOf(series.sequencedValues()),
                List.copyOf(entries),
                perByte,
                List.of(),
                List.of());
        List<Entry> frontier = Pareto.frontier(
                entries.stream().filter(e -> e.row().sound()).toList(),
                e -> e.row().bytes(),
                merged::quality);
        return new MergedSweeps(
                sources, sweeps, merged.series, merged.entries, perByte, frontier, new MergedNotes(merged).all());
    }

    /** Perplexity, or bits per byte where tokenizers differ: less is better, not finite where it cannot be believed. */
    double quality(Entry entry) {
        return !entry.row().sound()
                ? Double.NaN
                : perByte
                        ? entry.row().score().bitsPerByte()
                        : entry.row().score().perplexity();
    }

    /** Mean divergence from the model's own reference: nats per token, or bits per byte where tokenizers differ. */
    double divergence(Entry entry) {
        if (entry.row().divergence() == null) {
            return Double.NaN;
        }
        double nats = entry.row().divergence().kldMean();
        SweepResult.Text text = sweeps.get(entry.sweep()).text();
        return perByte ? nats / Math.log(2) * text.tokens() / text.bytes() : nats;
    }

    /** What {@link #quality} is, in a sentence. */
    String qualityName() {
        return perByte ? "bits/byte" : "perplexity";
    }

    String name(Entry entry) {
        return series.get(entry.series());
    }

    /** What all sweeps were measured with. */
    Protocol protocol() {
        return sweeps.getFirst().protocols().getFirst();
    }

    /** Two entries of which the first is of a larger model at fewer bytes and no worse than the second. */
    record Upset(Entry larger, Entry smaller) {}

    /** The best level of a smaller model that a larger model at fewer bits beats, and the best that beats it. */
    Optional<Upset> upset() {
        Upset found = null;
        for (Entry smaller : entries) {
            for (Entry larger : frontier) {
                boolean beats = parameters(larger) > parameters(smaller)
                        && larger.row().bytes() <= smaller.row().bytes()
                        && quality(larger) < quality(smaller);
                if (beats && (found == null || better(smaller, larger, found))) {
                    found = new Upset(larger, smaller);
                }
            }
        }
        return Optional.ofNullable(found);
    }

    private boolean better(Entry smaller, Entry larger, Upset than) {
        int order = Double.compare(quality(smaller), quality(than.smaller()));
        return order < 0 || order == 0 && quality(larger) < quality(than.larger());
    }

    private long parameters(Entry entry) {
        return sweeps.get(entry.sweep()).model().parameters();
    }

    private static List<String> differences(SweepResult a, SweepResult b) {
        List<String> found = new ArrayList<>();
        Protocol p = a.protocols().getFirst();
        Protocol q = b.protocols().getFirst();
        differ(
                found,
                "text",
                shown(a.text()),
                shown(b.text()),
                a.text().sha256(),
                b.text().sha256());
        differ(found, "protocol", p.name(), q.name(), p.name(), q.name());
        differ(found, "context", p.context(), q.context(), p.context(), q.context());
        differ(found, "stride", p.stride(), q.stride(), p.stride(), q.stride());
        if (Objects.equals(a.text().tokenizerSha256(), b.text().tokenizerSha256())) {
            differ(found, "windows", p.windows(), q.windows(), p.windows(), q.windows());
        }
        return found;
    }

    private static void differ(List<String> found, String name, Object a, Object b, Object keyA, Object keyB) {
        if (!Objects.equals(keyA, keyB)) {
            found.add(name + " " + b + ", not " + a);
        }
    }

    private static String shown(SweepResult.Text text) {
        String hash = String.valueOf(text.sha256());
        return text.name() + " (sha256 " + hash.substring(0, Math.min(12, hash.length())) + "…)";
    }

    /** Weights and tokenizer make a model, wherever it lies. */
    private static String key(SweepResult sweep) {
        return sweep.model().sha256() + " " + sweep.text().tokenizerSha256();
    }

    /** Names by key; models of the same name get the beginning of their hash. */
    private static SequencedMap<String, String> series(List<SweepResult> sweeps) {
        SequencedMap<String, SweepResult> first = new LinkedHashMap<>();
        sweeps.forEach(s -> first.putIfAbsent(key(s), s));
        SequencedMap<String, String> names = new LinkedHashMap<>();
        for (Map.Entry<String, SweepResult> each : first.entrySet()) {
            String name = Facts.name(each.getValue());
            boolean unique = first.values().stream()
                            .filter(s -> Facts.name(s).equals(name))
                            .count()
                    == 1;
            names.put(each.getKey(), unique ? name : name + " (" + prefix(each.getKey()) + ")");
        }
        return names;
    }

    private static String prefix(String hash) {
        return hash.substring(0, Math.min(8, hash.length()));
    }

    static <T> Set<T> distinct(List<SweepResult> sweeps, Function<SweepResult, T> value) {
        Set<T> values = new LinkedHashSet<>();
        sweeps.forEach(s -> values.add(value.apply(s)));
        return values;
    }

    /** Greatest relative distance between values of the same level of the same model; NaN where no level came twice. */
    double disagreement(int seriesIndex, ToDoubleFunction<Row> value) {
        Map<String, List<Double>> byLevel = new LinkedHashMap<>();
        for (Entry entry : entries) {
            if (entry.series() == seriesIndex && entry.row().sound()) {
                byLevel.computeIfAbsent(entry.row().level(), level -> new ArrayList<>())
                        .add(value.applyAsDouble(entry.row()));
            }
        }
        return byLevel.values().stream()
                .filter(values -> values.size() > 1)
                .mapToDouble(values -> values.stream().mapToDouble(v -> v).max().orElseThrow()
                                / values.stream().mapToDouble(v -> v).min().orElseThrow()
                        - 1)
                .max()
                .orElse(Double.NaN);
    }
}
