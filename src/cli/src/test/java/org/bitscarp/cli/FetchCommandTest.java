package org.bitscarp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The command against a hub on a local port that has the built-in model and some rows of text. */
@Timeout(120)
class FetchCommandTest {
    private static final String COMMIT = "89abcdef0123456789abcdef0123456789abcdef";
    private static final String[] SMALL = {"--context", "32", "--max-tokens", "128", "--protocol", "gptq", "--json"};

    @TempDir
    Path folder;

    private HttpServer server;
    private final Map<String, Path> files = new TreeMap<>();

    @BeforeEach
    void start() throws IOException {
        try (Stream<Path> model = Files.list(builtin())) {
            model.forEach(file -> files.put("/tiny/prose/resolve/" + COMMIT + "/" + file.getFileName(), file));
        }
        Path rows = CommandLineRun.checkout().resolve("datasets/src/test/resources/rows/zstd-dictionary-v2.parquet");
        files.put("/datasets/Salesforce/wikitext/resolve/main/wikitext-2-raw-v1/test-00000-of-00001.parquet", rows);
        files.put(
                "/datasets/Salesforce/wikitext/resolve/" + COMMIT + "/wikitext-2-raw-v1/test-00000-of-00001.parquet",
                rows);
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::serve);
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private static Path builtin() {
        return CommandLineRun.checkout().resolve("datasets/models/prose-6m");
    }

    private void serve(HttpExchange exchange) throws IOException {
        try (exchange) {
            String path = exchange.getRequestURI().getPath();
            byte[] body = null;
            if (path.equals("/api/models/tiny/prose/revision/main")) {
                body = listing();
            } else if (files.containsKey(path)) {
                body = Files.readAllBytes(files.get(path));
                exchange.getResponseHeaders().set("X-Repo-Commit", COMMIT);
                // No checksum: a mirror that gives its own tags.
                exchange.getResponseHeaders().set("ETag", "\"tag-" + path.hashCode() + "\"");
            }
            if (body == null) {
                exchange.sendResponseHeaders(404, -1);
            } else if (exchange.getRequestMethod().equals("HEAD")) {
                exchange.getResponseHeaders().set("Content-Length", "" + body.length);
                exchange.sendResponseHeaders(200, -1);
            } else {
                exchange.sendResponseHeaders(200, body.length);
                exchange.getResponseBody().write(body);
            }
        }
    }

    private byte[] listing() {
        ObjectNode root = JsonMapper.shared().createObjectNode().put("sha", COMMIT);
        ArrayNode siblings = root.putArray("siblings");
        files.keySet().stream()
                .filter(path -> path.startsWith("/tiny/"))
                .forEach(path -> siblings.addObject().put("rfilename", path.substring(path.lastIndexOf('/') + 1)));
        return root.toString().getBytes();
    }

    private Map<String, String> environment(String... more) {
        Map<String, String> environment = new TreeMap<>(Map.of(
                "HF_ENDPOINT", "http://127.0.0.1:" + server.getAddress().getPort(), "HF_HOME", folder.toString()));
        for (int i = 0; i < more.length; i += 2) {
            environment.put(more[i], more[i + 1]);
        }
        return environment;
    }

    private CommandLineRun run(String... arguments) {
        return CommandLineRun.with(environment(), arguments);
    }

    private static String[] with(String[] arguments, String... more) {
        return Stream.concat(Stream.of(more), Stream.of(arguments)).toArray(String[]::new);
    }

    private static JsonNode json(CommandLineRun run) {
        return JsonMapper.shared().readTree(run.succeeds().out());
    }

    @Test
    void thePathIsAllThatGoesToStdout() {
        CommandLineRun run = run("fetch", "hf:tiny/prose").succeeds();
        Path path = folder.resolve("hub/models--tiny--prose/snapshots").resolve(COMMIT);
        assertEquals(path + System.lineSeparator(), run.out());
        assertTrue(run.err().contains("6 files") && run.err().contains("fetched now"), run.err());
        CommandLineRun again = run("fetch", "hf:tiny/prose").succeeds();
        assertTrue(again.err().contains("all in the cache"), again.err());
        assertEquals("", run("fetch", "hf:tiny/prose", "--quiet").succeeds().err());
        JsonNode json = json(run("fetch", "hf:tiny/prose", "--json", "--include", "*.json", "--exclude", "tok*"));
        assertEquals(COMMIT, json.get("commit").asString());
        assertEquals(2, json.get("files").size(), json.toString());
        assertTrue(Files.exists(path.resolve("model-00002-of-00002.safetensors")));
    }

    @Test
    void aReferenceStandsWhereAModelDoes() {
        JsonNode here = json(run(with(SMALL, "perplexity", builtin().toString())));
        JsonNode there = json(run(with(SMALL, "perplexity", "hf:tiny/prose")));
        assertEquals(here.get("model").get("sha256"), there.get("model").get("sha256"));
        assertEquals(
                here.get("rows").get(0).get("perplexity"),
                there.get("rows").get(0).get("perplexity"));
        assertTrue(there.get("model").get("path").asString().contains(COMMIT), "the report says which commit");
        CommandLineRun offline = CommandLineRun.with(environment("HF_HUB_OFFLINE", "1"), "inspect", "hf:tiny/prose");
        assertTrue(offline.succeeds().out().contains("5,770,496 parameters"), offline.out());
        server.stop(0);
        CommandLineRun cut = run("inspect", "hf:tiny/prose").succeeds();
        assertTrue(cut.err().contains("Note:") && cut.err().contains("using what is cached"), cut.err());
    }

    @Test
    void aDataSetComesFromTheHubWhenNoFolderHasIt() {
        JsonNode text =
                json(run(with(SMALL, "perplexity", "--text", "wikitext2"))).get("text");
        assertEquals("wikitext2 (rows joined by \\n\\n)", text.get("name").asString());
        JsonNode named = json(run(with(
                        SMALL,
                        "perplexity",
                        "--text",
                        "hf:datasets/Salesforce/wikitext/wikitext-2-raw-v1/test-00000-of-00001.parquet")))
                .get("text");
        assertEquals(text.get("sha256"), named.get("sha256"));
        run("perplexity", "--text", "c4").fails(1, "data set c4", "could not be fetched");
    }

    @Test
    void mistakesAreTold() {
        run("fetch").fails(2, "REFERENCE");
        run("fetch", "tiny/prose").fails(2, "hf:owner/name");
        run("fetch", "hf:prose").fails(2, "hf:owner/name");
        run("sweep", "hf:a/../b", "--out", folder.toString()).fails(2, "hf:owner/name");
        run("fetch", "hf:tiny/none").fails(1, "no hf:tiny/none", "HF_TOKEN");
        CommandLineRun.with(environment("HF_HUB_OFFLINE", "1"), "fetch", "hf:tiny/prose")
                .fails(1, "not in the cache", "HF_HUB_OFFLINE");
        CommandLineRun.with(environment("HF_ENDPOINT", "nonsense"), "fetch", "hf:tiny/prose")
                .fails(1, "HF_ENDPOINT");
        assertFalse(Files.exists(folder.resolve("hub/models--tiny--none")));
    }
}
