package org.bitscarp.hub;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.Optional;
import javax.net.ssl.SSLException;

/**
 * Single requests: redirects are followed here, because the access token must not go to another host and because the
 * answer before a redirect carries what is to be known about a large file.
 */
final class HubHttp implements AutoCloseable {
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(15);
    /** Until the first line of an answer; the body has its own limit, {@link RetryPolicy#stall}. */
    private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(60);

    private static final int MAX_REDIRECTS = 10;

    private final HubSettings settings;
    private final HttpClient client;

    HubHttp(HubSettings settings) {
        this.settings = settings;
        // HTTP/1.1: one connection per file, so that a dropped one costs one file.
        this.client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(CONNECT_TIMEOUT)
                .proxy(EnvironmentProxy.selector(System.getenv()))
                .build();
    }

    /**
     * Asks for a body.
     *
     * @param from first byte wanted
     * @throws TransientException when another try may succeed
     */
    HttpResponse<InputStream> get(URI uri, long from) throws IOException {
        HttpResponse<InputStream> answer = send("GET", uri, from);
        for (int i = 0; i < MAX_REDIRECTS; i++) {
            Optional<URI> next = redirect(answer);
            if (next.isEmpty()) {
                return answer;
            }
            answer.body().close();
            answer = send("GET", next.get(), from);
        }
        answer.body().close();
        throw new HubException(
                HubException.Reason.FAILED, uri.getHost() + " redirects more than " + MAX_REDIRECTS + " times");
    }

    /** Asks for headers; a redirect to another host is not followed but returned. */
    HttpResponse<InputStream> head(URI uri) throws IOException {
        HttpResponse<InputStream> answer = send("HEAD", uri, 0);
        for (int i = 0; i < MAX_REDIRECTS; i++) {
            answer.body().close();
            Optional<URI> next = redirect(answer);
            boolean known = answer.headers().firstValue("X-Linked-Etag").isPresent();
            if (next.isEmpty() || known || !sameOrigin(next.get(), answer.uri())) {
                return answer;
            }
            answer = send("HEAD", next.get(), 0);
        }
        throw new HubException(
                HubException.Reason.FAILED, uri.getHost() + " redirects more than " + MAX_REDIRECTS + " times");
    }

    private HttpResponse<InputStream> send(String method, URI uri, long from) throws IOException {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri)
                .timeout(ANSWER_TIMEOUT)
                .header("User-Agent", settings.userAgent())
                .method(method, HttpRequest.BodyPublishers.noBody());
        if (from > 0) {
            request.header("Range", "bytes=" + from + "-");
        }
        if (settings.token().isPresent() && sameOrigin(uri, settings.endpoint())) {
            request.header("Authorization", "Bearer " + settings.token().get());
        }
        String host = uri.getHost();
        try {
            return client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        } catch (InterruptedIOException e) {
            throw e;
        } catch (HttpConnectTimeoutException e) {
            throw transientFailure(host + " does not answer", e);
        } catch (HttpTimeoutException e) {
            throw transientFailure(host + " gives no answer within " + ANSWER_TIMEOUT.toSeconds() + " s", e);
        } catch (ConnectException e) {
            if (unresolved(e)) {
                throw new HubException(
                        HubException.Reason.UNREACHABLE, "cannot reach the hub: no address is known for " + host, e);
            }
            throw transientFailure("cannot connect to " + host, e);
        } catch (SSLException e) {
            throw new HubException(
                    HubException.Reason.UNREACHABLE, "no trusted connection to " + host + ": " + e.getMessage(), e);
        } catch (IOException e) {
            throw transientFailure("the connection to " + host + " broke", e);
        }
    }

    private static boolean unresolved(Throwable e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof UnresolvedAddressException) {
                return true;
            }
        }
        return false;
    }

    static TransientException transientFailure(String message, Throwable cause) {
        return new TransientException(message, Duration.ZERO, cause);
    }

    /** Where a redirect leads; empty when the answer is none. */
    private static Optional<URI> redirect(HttpResponse<?> answer) throws HubException {
        int status = answer.statusCode();
        if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308) {
            return Optional.empty();
        }
        String host = answer.uri().getHost();
        String location = answer.headers()
                .firstValue("Location")
                .orElseThrow(() -> new HubException(
                        HubException.Reason.FAILED, host + " redirects (status " + status + ") to nowhere"));
        URI next;
        try {
            next = answer.uri().resolve(location);
        } catch (IllegalArgumentException e) {
            throw new HubException(HubException.Reason.FAILED, host + " redirects to \"" + location + "\"", e);
        }
        boolean secure = "https".equalsIgnoreCase(next.getScheme());
        boolean plain = "http".equalsIgnoreCase(next.getScheme());
        boolean downgrade = plain && "https".equalsIgnoreCase(answer.uri().getScheme());
        if (!secure && !plain || downgrade || next.getHost() == null) {
            throw new HubException(
                    HubException.Reason.FAILED,
                    host + " redirects to \"" + next.getScheme() + "://" + next.getHost()
                            + "\", which is not followed; expected https");
        }
        return Optional.of(next);
    }

    static boolean sameOrigin(URI a, URI b) {
        return a.getScheme().equalsIgnoreCase(b.getScheme())
                && a.getHost() != null
                && a.getHost().equalsIgnoreCase(b.getHost())
                && port(a) == port(b);
    }

    private static int port(URI uri) {
        return uri.getPort() >= 0 ? uri.getPort() : "https".equalsIgnoreCase(uri.getScheme()) ? 443 : 80;
    }

    @Override
    public void close() {
        client.shutdownNow();
        client.close();
    }
}
