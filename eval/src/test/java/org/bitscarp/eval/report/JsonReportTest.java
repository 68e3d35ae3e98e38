package org.bitscarp.eval.report;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.SplittableRandom;
import org.bitscarp.eval.report.SweepResult.Row;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class JsonReportTest {
    private static final long SEED = 20_261_101;

    @Test
    void readsBackWhatItWrote() throws IOException {
        for (SweepResult result : List.of(Samples.realistic(), Samples.lonely())) {
            String json = JsonReport.render(result);
            SweepResult back = JsonResultReader.parse(json, "results.json");
            assertEquals(json, JsonReport.render(back));
            assertEquals(result.model(), back.model());
            assertEquals(result.text(), back.text());
            assertEquals(result.protocols(), back.protocols());
            assertEquals(result.cliff(), back.cliff());
            assertEquals(result.notes(), back.notes());
            assertEquals(result.calibration(), back.calibration());
            for (int i = 0; i < result.rows().size(); i++) {
                Row row = result.rows().get(i);
                Row read = back.rows().get(i);
                assertEquals(row.divergence(), read.divergence());
                assertArrayEquals(row.layerErrors(), read.layerErrors());
                assertArrayEquals(row.score().deltaPplCi95(), read.score().deltaPplCi95());
                assertEquals(row.score().perplexity(), read.score().perplexity());
                assertEquals(row.score().nllSum(), read.score().nllSum());
            }
        }
    }

    @Test
    void hostileNamesAndBrokenNumbersReadBack() throws IOException {
        SweepResult result = Samples.hostile(SEED);
        String json = JsonReport.render(result);
        SweepResult back = JsonResultReader.parse(json, "results.json");
        assertEquals(json, JsonReport.render(back), "seed " + SEED);
        assertEquals(Samples.HOSTILE, back.rows().get(3).level());
        assertTrue(Double.isNaN(back.rows().get(58).score().perplexity()), "infinity is null, and null is NaN");
    }

    @Test
    void everyDoubleSurvives() throws IOException {
        SplittableRandom random = new SplittableRandom(SEED);
        SweepResult sample = Samples.realistic();
        for (int i = 0; i < 2000; i++) {
            double seconds = Double.longBitsToDouble(random.nextLong());
            if (Double.isFinite(seconds)) {
                ObjectNode tree = JsonReport.tree(sample).put("seconds", seconds);
                double back = JsonResultReader.parse(tree.toString(), "x").seconds();
                assertEquals(seconds, back, "seed " + SEED);
            }
        }
    }

    @Test
    void keepsTheContract() {
        JsonNode root = JsonMapper.shared().readTree(JsonReport.render(Samples.realistic()));
        assertEquals("bitscarp.sweep/1", root.get("schema").asString());
        assertEquals(
                List.of(
                        "schema",
                        "bitscarp",
                        "model",
                        "text",
                        "protocol",
                        "protocols",
                        "device",
                        "compute",
                        "calibration",
                        "command",
                        "started",
                        "seconds",
                        "rows",
                        "cliff",
                        "last_safe",
                        "tasks",
                        "continuations",
                        "passage",
                        "statistics",
                        "notes"),
                List.copyOf(root.propertyNames()));
        assertEquals("gptq", root.get("protocol").get("name").asString());
        assertEquals(
                List.of(
                        "level",
                        "format",
                        "solver",
                        "reference",
                        "bits_per_weight",
                        "model_bits_per_weight",
                        "bytes",
                        "perplexity",
                        "stderr",
                        "nll_sum",
                        "tokens_scored",
                        "bits_per_byte",
                        "delta_ppl",
                        "delta_ppl_ci95",
                        "tied",
                        "kld_mean",
                        "kld_stderr",
                        "same_top1",
                        "weight_error",
                        "layer_errors",
                        "seconds",
                        "fallbacks",
                        "nonfinite",
                        "scores"),
                List.copyOf(root.get("rows").get(4).propertyNames()));
        assertEquals(4.1875, root.get("rows").get(4).get("bits_per_weight").asDouble());
        assertEquals(2, root.get("rows").get(4).get("scores").size());
        assertEquals("int2", root.get("cliff").get("falls_at").asString());
        assertTrue(root.get("calibration").isNull());
    }

    @Test
    void notFiniteIsNull() {
        String json = JsonReport.render(Samples.hostile(SEED));
        assertTrue(!json.contains("NaN") && !json.contains("Infinity"));
        assertTrue(JsonMapper.shared()
                .readTree(json)
                .get("rows")
                .get(5)
                .get("perplexity")
                .isNull());
    }

    @Test
    void unknownFieldsAreIgnoredAndOlderCliffsRead() throws IOException {
        ObjectNode tree = JsonReport.tree(Samples.realistic());
        tree.put("added_later", 1);
        ((ObjectNode) tree.get("cliff")).remove("threshold");
        assertEquals(1.10, JsonResultReader.parse(tree.toString(), "x").cliff().threshold());
        tree.putNull("cliff");
        assertNull(JsonResultReader.parse(tree.toString(), "x").cliff());
    }

    @Test
    void saysWhatIsWrongInOneLine() {
        ObjectNode missing = JsonReport.tree(Samples.realistic());
        ((ObjectNode) missing.get("model")).remove("layers");
        ObjectNode kind = JsonReport.tree(Samples.realistic());
        kind.put("rows", 3);
        ObjectNode other = JsonReport.tree(Samples.realistic()).put("schema", "bitscarp.sweep/9");
        ObjectNode scores = JsonReport.tree(Samples.realistic());
        ((ObjectNode) scores.get("rows").get(0)).putArray("scores");
        ObjectNode large = JsonReport.tree(Samples.realistic());
        ((ObjectNode) large.get("model")).put("layers", 1L << 40);
        assertRefused("layers is missing", missing.toString());
        assertRefused("expected an array", kind.toString());
        assertRefused("bitscarp.sweep/9", other.toString());
        assertRefused("has 0 scores", scores.toString());
        assertRefused("expected a count", large.toString());
        assertRefused("not valid JSON", "{\"schema\": ");
        assertRefused("not valid JSON", "[".repeat(100_000));
        assertRefused("expected a JSON object", "[]");
        assertRefused("expected a JSON object", "");
    }

    private static void assertRefused(String expected, String json) {
        IOException e = assertThrows(IOException.class, () -> JsonResultReader.parse(json, "dir/results.json"));
        assertTrue(e.getMessage().contains(expected), e.getMessage());
        assertTrue(e.getMessage().startsWith("dir/results.json"), e.getMessage());
        assertEquals(1, e.getMessage().lines().count(), e.getMessage());
    }
}
