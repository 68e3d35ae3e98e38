package org.bitscarp.hub;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A hub and its file store on two local ports. Answers as huggingface.co does (routes, headers and status codes as in
 * huggingface_hub's {@code hf_api.py} and {@code file_download.py}): large files redirect to the store, which knows
 * ranges; small ones come from the hub itself.
 */
final class FakeHub implements AutoCloseable {
    static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";
    static final String REPOSITORY = "tiny/model";

    /** Retries at once; a slow machine is no silent connection yet. */
    static final RetryPolicy IMPATIENT =
            new RetryPolicy(4, Duration.ofMillis(1), Duration.ofSeconds(5), Duration.ofSeconds(20));

    /** A request as it came in. */
    record Seen(boolean store, String method, String path, String authorization, String range) {}

    /** Answers instead of the usual code; false to let it answer after all. */
    interface Fault {
        boolean answer(HttpExchange exchange) throws IOException;
    }

    private final HttpServer hub;
    private final HttpServer store;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Map<String, byte[]> files = new LinkedHashMap<>();
    private final Map<String, byte[]> byHash = new HashMap<>();
    private final Map<String, Boolean> large = new HashMap<>();
    final List<Seen> seen = new CopyOnWriteArrayList<>();
    final Deque<Fault> hubFaults = new ConcurrentLinkedDeque<>();
    final Deque<Fault> storeFaults = new ConcurrentLinkedDeque<>();
    volatile String neededToken = "";
    volatile boolean gated;
    volatile boolean metadata = true;
    volatile String kind = "models";
    volatile String commit = COMMIT;

    FakeHub() throws IOException {
        hub = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        store = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        hub.setExecutor(threads);
        store.setExecutor(threads);
        hub.createContext("/", e -> serve(e, false));
        store.createContext("/", e -> serve(e, true));
        hub.start();
        store.start();
    }

    URI endpoint() {
        return URI.create("http://127.0.0.1:" + hub.getAddress().getPort());
    }

    HubSettings settings(Path cache, String token, boolean offline) {
        return new HubSettings(endpoint(), cache, Optional.ofNullable(token), offline, "bitscarp/test");
    }

    Hub client(Path cache) {
        return new Hub(settings(cache, null, false), IMPATIENT);
    }

    /** A file that the hub itself serves. */
    FakeHub small(String name, String content) {
        return put(name, content.getBytes(StandardCharsets.UTF_8), false);
    }

    /** A file in large file storage. */
    FakeHub large(String name, byte[] content) {
        return put(name, content, true);
    }

    private FakeHub put(String name, byte[] content, boolean isLarge) {
        files.put(name, content);
        large.put(name, isLarge);
        byHash.put(etag(name), content);
        return this;
    }

    String etag(String name) {
        return large.get(name) ? sha256(files.get(name)) : gitHash(files.get(name));
    }

    static String sha256(byte[] content) {
        return hex("SHA-256", content);
    }

    static String gitHash(byte[] content) {
        byte[] head = ("blob " + content.length + "\0").getBytes(StandardCharsets.US_ASCII);
        byte[] all = Arrays.copyOf(head, head.length + content.length);
        System.arraycopy(content, 0, all, head.length, content.length);
        return hex("SHA-1", all);
    }

    private static String hex(String algorithm, byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    /** Paths of all GET requests that reached the store. */
    List<Seen> storeGets() {
        return seen.stream().filter(s -> s.store() && s.method().equals("GET")).toList();
    }

    private void serve(HttpExchange exchange, boolean atStore) throws IOException {
        try (exchange) {
            String path = exchange.getRequestURI().getPath();
            seen.add(new Seen(
                    atStore,
                    exchange.getRequestMethod(),
                    path,
                    exchange.getRequestHeaders().getFirst("Authorization"),
                    exchange.getRequestHeaders().getFirst("Range")));
            Fault fault = (atStore ? storeFaults : hubFaults).poll();
            if (fault != null && fault.answer(exchange)) {
                return;
            }
            if (atStore) {
                content(exchange, byHash.get(path.substring(1)));
            } else if (!neededToken.isEmpty()
                    && !("Bearer " + neededToken)
                            .equals(exchange.getRequestHeaders().getFirst("Authorization"))) {
                status(exchange, gated ? 403 : 401, "X-Error-Code", gated ? "GatedRepo" : "RepoNotFound");
            } else if (path.startsWith("/api/")) {
                listing(exchange, path);
            } else {
                resolve(exchange, path);
            }
        } catch (IOException e) {
            // The client hung up; some tests want that.
        } catch (RuntimeException e) {
            status(exchange, 500, "X-Error-Message", e.toString());
        }
    }

    private void listing(HttpExchange exchange, String path) throws IOException {
        String start = "/api/" + kind + "/" + REPOSITORY + "/revision/";
        if (!path.startsWith(start)) {
            status(exchange, 404, "X-Error-Code", "RepoNotFound");
            return;
        }
        String revision = path.substring(start.length());
        if (!List.of("main", commit, "refs/pr/1").contains(revision)) {
            status(exchange, 404, "X-Error-Code", "RevisionNotFound");
            return;
        }
        ObjectNode root = JsonMapper.shared().createObjectNode();
        root.put("id", REPOSITORY).put("sha", commit);
        ArrayNode siblings = root.putArray("siblings");
        files.forEach((name, content) -> {
            ObjectNode file = siblings.addObject().put("rfilename", name);
            if (metadata) {
                file.put("size", content.length).put("blobId", gitHash(content));
                if (large.get(name)) {
                    file.putObject("lfs").put("sha256", sha256(content)).put("size", content.length);
                }
            }
        });
        send(exchange, 200, root.toString().getBytes(StandardCharsets.UTF_8));
    }

    private void resolve(HttpExchange exchange, String path) throws IOException {
        String start = (kind.equals("models") ? "/" : "/" + kind + "/") + REPOSITORY + "/resolve/";
        // A revision is one segment: its own slashes are escaped.
        String raw = exchange.getRequestURI().getRawPath();
        String rest = raw.startsWith(start) ? raw.substring(start.length()) : "";
        String name = URI.create(rest.substring(rest.indexOf('/') + 1)).getPath();
        if (!files.containsKey(name)) {
            status(exchange, 404, "X-Error-Code", "EntryNotFound");
            return;
        }
        exchange.getResponseHeaders().set("X-Repo-Commit", commit);
        if (large.get(name)) {
            exchange.getResponseHeaders().set("X-Linked-Etag", "\"" + etag(name) + "\"");
            exchange.getResponseHeaders().set("X-Linked-Size", "" + files.get(name).length);
            redirect(exchange, "http://127.0.0.1:" + store.getAddress().getPort() + "/" + etag(name) + "?signed=yes");
        } else {
            exchange.getResponseHeaders().set("ETag", "W/\"" + etag(name) + "\"");
            content(exchange, files.get(name));
        }
    }

    static void redirect(HttpExchange exchange, String to) throws IOException {
        status(exchange, 302, "Location", to);
    }

    static void status(HttpExchange exchange, int status, String... headers) throws IOException {
        for (int i = 0; i < headers.length; i += 2) {
            exchange.getResponseHeaders().set(headers[i], headers[i + 1]);
        }
        exchange.sendResponseHeaders(status, -1);
    }

    private static void content(HttpExchange exchange, byte[] content) throws IOException {
        String range = exchange.getRequestHeaders().getFirst("Range");
        if (range == null) {
            send(exchange, 200, content);
            return;
        }
        int from = Integer.parseInt(range.replaceAll("bytes=([0-9]+)-", "$1"));
        if (from >= content.length) {
            status(exchange, 416, "Content-Range", "bytes */" + content.length);
            return;
        }
        exchange.getResponseHeaders()
                .set("Content-Range", "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
        send(exchange, 206, Arrays.copyOfRange(content, from, content.length));
    }

    static void send(HttpExchange exchange, int status, byte[] content) throws IOException {
        if (exchange.getRequestMethod().equals("HEAD")) {
            exchange.getResponseHeaders().set("Content-Length", "" + content.length);
            exchange.sendResponseHeaders(status, -1);
            return;
        }
        exchange.sendResponseHeaders(status, content.length == 0 ? -1 : content.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(content);
        }
    }

    /** Announces the rest of a file as asked for, sends some of it, and breaks the connection. */
    Fault dropAfter(byte[] content, int bytes) {
        return exchange -> {
            String range = exchange.getRequestHeaders().getFirst("Range");
            int from = range == null ? 0 : Integer.parseInt(range.replaceAll("bytes=([0-9]+)-", "$1"));
            if (range != null) {
                exchange.getResponseHeaders()
                        .set("Content-Range", "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
            }
            exchange.sendResponseHeaders(range == null ? 200 : 206, content.length - from);
            exchange.getResponseBody().write(content, from, bytes);
            exchange.getResponseBody().flush();
            return true;
        };
    }

    static byte[] bytes(int length, long seed) {
        byte[] bytes = new byte[length];
        new java.util.Random(seed).nextBytes(bytes);
        return bytes;
    }

    /** A model with an index, three shards of which two are named, and much that is not needed. */
    FakeHub model() {
        small("config.json", "{\"model_type\":\"llama\"}");
        small("tokenizer.json", "{}");
        small("tokenizer_config.json", "{}");
        small("chat_template.jinja", "{{ x }}");
        small("README.md", "read me");
        small(
                "model.safetensors.index.json",
                "{\"weight_map\":{\"a\":\"model-00001-of-00002.safetensors\",\"b\":\"model-00002-of-00002.safetensors\"}}");
        large("model-00001-of-00002.safetensors", bytes(300_000, 1));
        large("model-00002-of-00002.safetensors", bytes(200_000, 2));
        large("model-old.safetensors", bytes(1000, 3));
        large("consolidated.safetensors", bytes(1000, 4));
        large("pytorch_model.bin", bytes(1000, 5));
        large("original/consolidated.00.pth", bytes(1000, 6));
        return this;
    }

    byte[] content(String name) {
        return files.get(name);
    }

    @Override
    public void close() {
        hub.stop(0);
        store.stop(0);
        threads.shutdownNow();
    }
}
