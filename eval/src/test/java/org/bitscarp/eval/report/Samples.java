package org.bitscarp.eval.report;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.bitscarp.eval.generate.Loop;
import org.bitscarp.eval.report.SweepResult.Divergence;
import org.bitscarp.eval.report.SweepResult.Model;
import org.bitscarp.eval.report.SweepResult.Protocol;
import org.bitscarp.eval.report.SweepResult.Row;
import org.bitscarp.eval.report.SweepResult.Score;
import org.bitscarp.eval.report.SweepResult.Text;
import org.bitscarp.eval.stats.ChangePoint;
import org.bitscarp.eval.stats.DivergenceSpread;
import org.bitscarp.eval.stats.Loss;

/** Made-up results: one as a sweep of a small model looks, one that tries to break every writer. */
final class Samples {
    static final Protocol GPTQ = new Protocol(
            "gptq", 512, 512, 40, "Every position but the first of each window is scored; a window starts with BOS.");
    static final Protocol SLIDING =
            new Protocol("sliding", 512, 256, 79, "Only positions with at least 256 tokens of context are scored.");

    /** Text that has a meaning in HTML, Markdown, CSV, JSON, terminals and XML (U+0001 is not allowed there). */
    static final String HOSTILE =
            "<script>alert('x')</script>&amp; \"quoted\", | pipe `tick` ]]> \u0001\u001b[31m \ud800 \u202e *b* \\ 日本";

    private static final long TOKENS = 20_440;

    private Samples() {}

    /** Eight levels of a model with six layers. */
    static SweepResult realistic() {
        double[] bits = {32, 16, 16, 8.1875, 4.1875, 3.1875, 2.1875, 1.725};
        double[] ppl = {163.70214, 163.70301, 163.7188, 163.8113, 166.4027, 175.1842, 262.93, 480.07};
        double[] kld = {0, 3.1e-7, 2.2e-5, 2.9e-4, 0.0141, 0.0637, 0.4412, 0.9985};
        double[] top1 = {1, 0.99985, 0.99682, 0.9882, 0.9217, 0.8423, 0.6129, 0.4551};
        double[] halfWidth = {0, 0.0021, 0.021, 0.11, 0.93, 2.31, 7.8, 19.5};
        double[] error = {0, 1.2e-4, 1.1e-3, 0.0052, 0.0794, 0.1688, 0.3912, 0.561};
        long[] bytes = {25_411_584, 12_713_984, 12_713_984, 7_401_216, 4_902_912, 4_278_272, 3_653_632, 3_364_864};
        String[] names = {"fp32", "fp16", "bf16", "int8", "int4", "int3", "int2", "ternary"};
        List<Row> rows = new ArrayList<>();
        for (int i = 0; i < names.length; i++) {
            double delta = ppl[i] - ppl[0];
            double[] layers = new double[6];
            for (int l = 0; l < layers.length; l++) {
                layers[l] = i == 0 ? 0 : error[i] * (0.55 + 0.13 * l);
            }
            Score main = score("gptq", ppl[i], delta, delta - halfWidth[i], delta + halfWidth[i]);
            double other = 0.913 * ppl[i];
            Score sliding = score(
                    "sliding", other, 0.913 * delta, 0.913 * (delta - halfWidth[i]), 0.913 * (delta + halfWidth[i]));
            rows.add(new Row(
                    names[i],
                    names[i],
                    "rtn",
                    i == 0,
                    bits[i],
                    bytes[i] * 8.0 / 6_352_896,
                    bytes[i],
                    List.of(main, sliding),
                    new Divergence(kld[i], kld[i] * 0.021, top1[i]),
                    error[i],
                    layers,
                    3.2 + 0.4 * i,
                    i == 7 ? 2 : 0,
                    0));
        }
        return new SweepResult(
                "0.1.0",
                new Model(
                        "models/prose-6m",
                        "Hugging Face safetensors",
                        "5c0f".repeat(16),
                        "LlamaForCausalLM",
                        6_352_896,
                        25_411_584,
                        6),
                new Text("datasets/prose-valid.txt", "9ab1".repeat(16), 95_310, 20_481, "77e0".repeat(16)),
                List.of(GPTQ, SLIDING),
                "cpu (2 threads, OpenBLAS 0.3.19, 512-bit vectors)",
                "fp32",
                null,
                "bitscarp sweep models/prose-6m --text datasets/prose-valid.txt --levels"
                        + " fp32,fp16,bf16,int8,int4,int3,int2,ternary --out sweep",
                "2026-11-01T09:12:44Z",
                41.7,
                List.copyOf(rows),
                new CliffRule().find(rows),
                behaviour("piqa.jsonl", "The harbour was quiet", " and the boats lay still."),
                statistics(rows),
                List.of("2 rows of the ternary level fell back to round-to-nearest: their scale was zero."));
    }

    /** Sixty levels of eighty layers under names that mean something to every format, some of them broken. */
    static SweepResult hostile(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        List<Row> rows = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            double bits = i == 0 ? 16 : 8 * Math.pow(0.965, i);
            double ppl = i == 0 ? 6.1234567890123 : 6.12 * Math.exp(6 / (bits * bits) * random.nextDouble(0.8, 1.2));
            double found = i % 17 == 5 ? Double.NaN : i == 58 ? Double.POSITIVE_INFINITY : ppl;
            double[] layers = new double[80];
            for (int l = 0; l < layers.length; l++) {
                layers[l] = i == 0 ? 0 : l == 40 && i == 5 ? Double.NaN : random.nextDouble(0.001, 1) / bits;
            }
            double delta = found - 6.1234567890123;
            rows.add(new Row(
                    i == 3 ? HOSTILE : "int" + i + ":g" + (16 << i % 4) + (i % 2 == 0 ? ":asym:gptq" : ""),
                    "int" + i,
                    "gptq",
                    i == 0,
                    bits,
                    bits * 1.1,
                    (long) (bits * 1e9),
                    List.of(
                            score("gptq", found, delta, delta - 0.01, delta + 0.01),
                            score(HOSTILE, found * 0.9, delta, delta - 0.01, delta + 0.01)),
                    new Divergence(i == 0 ? 0 : found / 100, 0.001, random.nextDouble()),
                    random.nextDouble(),
                    layers,
                    random.nextDouble(1e4),
                    i % 7,
                    Double.isFinite(found) ? 0 : 12));
        }
        return named(List.copyOf(rows), List.of(GPTQ, new Protocol(HOSTILE, 1, 1, 1, HOSTILE)));
    }

    /** A result whose only level is a reference without a finite perplexity. */
    static SweepResult lonely() {
        Score score = new Score("gptq", Double.NaN, Double.NaN, Double.NaN, 0, Double.NaN, Double.NaN, null, false);
        return named(
                List.of(new Row(
                        "fp32", "fp32", "rtn", true, 32, 32, 4, List.of(score), null, 0, new double[0], 0, 0, 511)),
                List.of(GPTQ));
    }

    /** A row for the cliff's rule, of which nothing but the name, the width and the perplexity matters. */
    static Row row(String level, double bits, double ppl, boolean reference) {
        return new Row(
                level,
                level,
                "rtn",
                reference,
                bits,
                bits,
                1000,
                List.of(score("gptq", ppl, ppl - 100, ppl - 101, ppl - 99)),
                new Divergence(0, 0, 1),
                0,
                new double[0],
                1,
                0,
                0);
    }

    private static SweepResult named(List<Row> rows, List<Protocol> protocols) {
        return new SweepResult(
                "0.1.0",
                new Model("/models/" + HOSTILE, HOSTILE, HOSTILE, HOSTILE, 7_000_000_000L, 28_000_000_000L, 80),
                new Text(HOSTILE, HOSTILE, 1, 1, HOSTILE),
                protocols,
                HOSTILE,
                HOSTILE,
                HOSTILE,
                "bitscarp sweep '" + HOSTILE + "'",
                "2026-11-01T09:12:44Z",
                123_456.7,
                rows,
                new CliffRule().find(rows),
                behaviour(HOSTILE, HOSTILE, HOSTILE),
                rows.size() < 2 ? null : statistics(rows),
                List.of(HOSTILE, "A second note."));
    }

    /** Intervals of the rows' own, every verdict, a noise floor; without a change point where a row is not sound. */
    static Statistics statistics(List<Row> rows) {
        List<Statistics.OfLevel> levels = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
            Row row = rows.get(i);
            double base = rows.getFirst().score().perplexity();
            double[] interval = row.score().deltaPplCi95();
            double[] natural = {Math.log1p(interval[0] / base), Math.log1p(interval[1] / base)};
            Loss loss = row.sound() ? Loss.of(natural[0], natural[1], Math.log1p(0.01)) : Loss.DAMAGED;
            levels.add(new Statistics.OfLevel(
                    row.level(),
                    Math.log1p(row.score().deltaPpl() / base),
                    natural,
                    (natural[1] - natural[0]) / 4,
                    natural,
                    loss,
                    loss == Loss.INDETERMINATE ? 120_000L * i : 0,
                    i < 3 ? "a" : String.valueOf((char) ('a' + i % 26)),
                    new double[] {
                        0.9 * row.divergence().kldMean(), 1.1 * row.divergence().kldMean()
                    },
                    spread(row.divergence().kldMean())));
        }
        boolean sound = rows.stream().allMatch(Row::sound);
        return new Statistics(
                rows.getFirst().level(),
                0.01,
                0.01,
                0.5,
                new Statistics.Bootstrap(21, 14, 974, 2000, 1, 3.04),
                new Statistics.NoiseFloor(0x1p-9, 1, 2e-5, new double[] {-3e-5, 7e-5}, 4.1e-5, 0.9961, spread(4.1e-5)),
                sound ? new ChangePoint(3.41, 3.38, 3.45, 0.31) : null,
                List.copyOf(levels));
    }

    private static DivergenceSpread spread(double mean) {
        double[] kld = new double[8];
        for (int i = 0; i < kld.length; i++) {
            kld[i] = mean * i * i / 10;
        }
        return new DivergenceSpread(
                -1e-9,
                kld,
                40 * mean,
                0.97,
                -mean / 5,
                mean,
                kld.clone(),
                List.of(
                        new DivergenceSpread.Bucket(0, 0.5, 12_000, 2 * mean, 0.8),
                        new DivergenceSpread.Bucket(0.5, 1, 0, Double.NaN, Double.NaN)));
    }

    /** Two levels, the second of which answers worse and loops. */
    static SweepResult.Behaviour behaviour(String task, String prompt, String text) {
        List<TaskResult.Row> rows = List.of(
                new TaskResult.Row("fp32", 0.61, 0.0114, 0.62, 0.0113, 0, 0, 1),
                new TaskResult.Row("int2", 0.55, 0.0116, 0.56, 0.0116, 40, 150, 1e-16));
        Continuations.Text whole = new Continuations.Text(text, 24, 24, text.length(), null);
        Continuations.Text broken = new Continuations.Text(text, 24, 0, 0, new Loop(3, 2));
        Continuations.Text stopped = new Continuations.Text("", 0, 0, 0, null);
        return new SweepResult.Behaviour(
                List.of(new TaskResult(task, "PIQA", "Question: …", "ab".repeat(32), 1838, 0.5, 2, rows)),
                new Continuations(
                        List.of(prompt),
                        List.of("greedy", "sampled"),
                        24,
                        List.of(
                                new Continuations.OfLevel("fp32", 0.8, 0.95, List.of(whole, whole)),
                                new Continuations.OfLevel("int2", Double.NaN, 0.2, List.of(broken, stopped)))),
                new Passage(
                        511,
                        "int2",
                        List.of(text, "", "\n", " quiet"),
                        new double[] {0.5, 1, 2.25, Double.NaN},
                        List.of(
                                new Passage.OfLevel("int3", new double[] {0.6, 0.75, 3.5, 1}),
                                new Passage.OfLevel("int2", new double[] {9, Double.NaN, 2.5, 1}))));
    }

    private static Score score(String protocol, double ppl, double delta, double low, double high) {
        double nll = Math.log(ppl) * TOKENS;
        return new Score(
                protocol,
                ppl,
                ppl * 0.0121,
                nll,
                TOKENS,
                nll / Math.log(2) / 95_000,
                delta,
                new double[] {low, high},
                low <= 0 && high >= 0);
    }
}
