package org.bitscarp.hub;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpHeaders;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The three questions that the hub is asked: what a repository holds ({@code /api/…/revision/…}), what a file is (HEAD
 * of {@code /…/resolve/…}), and its bytes (GET of the same).
 */
final class HubClient implements AutoCloseable {
    /** The listing of a repository with 100,000 files takes about 30 MB. */
    private static final int MAX_LISTING = 128 << 20;

    /** An entity tag becomes a file name. */
    private static final Pattern ETAG = Pattern.compile("[0-9A-Za-z_-][0-9A-Za-z._-]{0,127}");

    private final HubSettings settings;
    private final HubHttp http;

    HubClient(HubSettings settings) {
        this.settings = settings;
        this.http = new HubHttp(settings);
    }

    /** All files of a repository, with sizes and checksums where the hub gives them. */
    Listing list(HubReference reference, RetryPolicy policy, HubListener listener) throws IOException {
        URI uri = URI.create(settings.endpoint() + "/api/" + reference.kind().plural() + "/" + reference.repository()
                + "/revision/" + encode(reference.revision()) + "?blobs=true");
        return patiently(policy, listener, () -> {
            HttpResponse<InputStream> answer = http.get(uri, 0);
            try (InputStream body = answer.body()) {
                Answers.check(answer, reference, "", settings);
                return listing(reference, read(body, answer.uri().getHost()));
            }
        });
    }

    /** One file: its commit, size and checksum. */
    Listing describe(HubReference reference, String name, RetryPolicy policy, HubListener listener) throws IOException {
        HttpResponse<InputStream> head = patiently(policy, listener, () -> {
            HttpResponse<InputStream> answer = http.head(address(reference, reference.revision(), name));
            if (answer.statusCode() < 300 || answer.statusCode() >= 400) {
                Answers.check(answer, reference, name, settings);
            }
            return answer;
        });
        HttpHeaders headers = head.headers();
        String commit = headers.firstValue("X-Repo-Commit").orElse("");
        String etag = headers.firstValue("X-Linked-Etag")
                .or(() -> headers.firstValue("ETag"))
                .map(HubClient::bareTag)
                .orElse("");
        if (!HubReference.isCommit(commit) || !ETAG.matcher(etag).matches()) {
            throw new HubException(
                    HubException.Reason.FAILED,
                    settings.endpoint() + " does not name commit and content of " + name + " (X-Repo-Commit \"" + commit
                            + "\", ETag \"" + etag + "\"), so it is no hub; check HF_ENDPOINT");
        }
        // The length of a redirect is that of its own text.
        long size = headers.firstValue("X-Linked-Size")
                .or(() -> head.statusCode() == 200 ? headers.firstValue("Content-Length") : Optional.empty())
                .filter(s -> s.matches("[0-9]{1,18}"))
                .map(Long::parseLong)
                .orElse(-1L);
        return new Listing(commit, List.of(new RepositoryFile(name, size, etag)));
    }

    /** Opens a file at a commit; the caller looks at the status. */
    HttpResponse<InputStream> open(HubReference reference, String commit, String name, long from) throws IOException {
        return http.get(address(reference, commit, name), from);
    }

    HubSettings settings() {
        return settings;
    }

    private URI address(HubReference reference, String revision, String name) {
        StringBuilder path = new StringBuilder();
        for (String part : name.split("/")) {
            path.append('/').append(encode(part));
        }
        return URI.create(settings.endpoint() + "/"
                + (reference.kind() == HubReference.Kind.DATASET ? "datasets/" : "") + reference.repository()
                + "/resolve/" + encode(revision) + path);
    }

    private static String encode(String part) {
        return URLEncoder.encode(part, StandardCharsets.UTF_8).replace("+", "%20");
    }

    /** {@code W/"abc"} or {@code "abc"} to {@code abc}. */
    private static String bareTag(String tag) {
        String bare = tag.startsWith("W/") ? tag.substring(2) : tag;
        return bare.replace("\"", "");
    }

    private static byte[] read(InputStream body, String host) throws IOException {
        byte[] bytes;
        try {
            bytes = body.readNBytes(MAX_LISTING + 1);
        } catch (InterruptedIOException e) {
            throw e;
        } catch (IOException e) {
            throw HubHttp.transientFailure("the connection to " + host + " broke", e);
        }
        if (bytes.length > MAX_LISTING) {
            throw new HubException(
                    HubException.Reason.FAILED, "the listing of " + host + " has more than " + MAX_LISTING + " bytes");
        }
        return bytes;
    }

    private Listing listing(HubReference reference, byte[] json) throws HubException {
        JsonNode root;
        try {
            root = JsonMapper.shared().readTree(json);
        } catch (JacksonException e) {
            throw notAHub("it answers with something else than JSON", e);
        }
        String commit = root.path("sha").asString("");
        JsonNode siblings = root.path("siblings");
        if (!HubReference.isCommit(commit) || !siblings.isArray()) {
            throw notAHub("its answer names no commit or no files", null);
        }
        List<RepositoryFile> files = new ArrayList<>();
        for (JsonNode file : siblings) {
            String name = FileNames.check(file.path("rfilename").asString(""), reference.shortName());
            JsonNode lfs = file.path("lfs");
            String etag = lfs.path("sha256").asString(file.path("blobId").asString(""));
            long size = lfs.path("size").asLong(file.path("size").asLong(-1));
            files.add(new RepositoryFile(
                    name, Math.max(-1, size), ETAG.matcher(etag).matches() ? etag : ""));
        }
        return new Listing(commit, files);
    }

    private HubException notAHub(String why, Throwable cause) {
        return new HubException(
                HubException.Reason.FAILED,
                settings.endpoint() + " is no hub: " + why + "; check HF_ENDPOINT and proxies",
                cause);
    }

    /** A question that may be asked again. */
    private interface Question<T> {
        T ask() throws IOException;
    }

    private static <T> T patiently(RetryPolicy policy, HubListener listener, Question<T> question) throws IOException {
        for (int failures = 1; ; failures++) {
            try {
                return question.ask();
            } catch (TransientException e) {
                policy.pause(failures, e, "trying again", listener);
            }
        }
    }

    @Override
    public void close() {
        http.close();
    }
}
