package org.bitscarp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ReportCommandTest {
    @TempDir
    Path folder;

    @Test
    void sweepBecomesAReportAndPrintsItsJson() throws IOException {
        Path sweep = folder.resolve("sweep");
        CommandLineRun.of(
                        "sweep",
                        "--levels",
                        "fp32,int4",
                        "--context",
                        "64",
                        "--max-tokens",
                        "128",
                        "--continuations",
                        "0",
                        "--no-noise-floor",
                        "-q",
                        "--out",
                        sweep.toString())
                .succeeds();
        Path out = folder.resolve("out");
        CommandLineRun run = CommandLineRun.of("report", sweep.toString(), "--out", out.toString(), "--json")
                .succeeds();
        JsonNode root = JsonMapper.shared().readTree(run.out());
        assertEquals("bitscarp.merged/1", root.get("schema").asString());
        assertEquals(2, root.get("sweeps").get(0).get("rows").size());
        assertEquals(run.out(), Files.readString(out.resolve("merged.json")));
        assertTrue(Files.size(out.resolve("quality-by-bytes.png")) > 1000);
        assertTrue(Files.readString(out.resolve("merged.tex")).contains("\\toprule"));
        assertTrue(run.err().contains("Report: " + out.resolve("merged.html")), run.err());

        CommandLineRun.of("report", sweep.toString(), sweep.toString()).fails(2, "given twice");
        CommandLineRun.of("report", folder.toString(), "--out", out.toString())
                .fails(1, "no results.json in " + folder);
        Path other = Files.createDirectories(folder.resolve("other"));
        Files.writeString(
                other.resolve("results.json"),
                Files.readString(sweep.resolve("results.json")).replace("\"context\" : 64", "\"context\" : 65"));
        CommandLineRun.of("report", sweep.toString(), other.toString(), "--out", out.toString())
                .fails(1, "does not compare", "context 65, not 64");
        CommandLineRun.of("report").fails(2, "DIR");
    }
}
