package org.bitscarp.hub;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** From the status of an answer to what the user can do about it. */
final class Answers {
    /** Seconds until the limit is reset, in the hub's {@code RateLimit} header (draft-ietf-httpapi-ratelimit-headers). */
    private static final Pattern RATE_LIMIT = Pattern.compile(";\\s*t=([0-9]{1,9})");

    private Answers() {}

    /**
     * Returns when the answer is a good one.
     *
     * @param file that was asked for; empty for the repository itself
     * @throws TransientException when another try may succeed
     * @throws HubException when it cannot
     */
    static void check(HttpResponse<?> answer, HubReference reference, String file, HubSettings settings)
            throws IOException {
        int status = answer.statusCode();
        URI uri = answer.uri();
        boolean elsewhere = !HubHttp.sameOrigin(uri, settings.endpoint());
        String what = reference.shortName() + (file.isEmpty() ? "" : "/" + file);
        switch (status) {
            case 200, 206 -> {}
            case 401, 403 -> {
                if (elsewhere) {
                    // A signed address of the store has run out; the next try gets a new one.
                    throw HubHttp.transientFailure(
                            what + ": " + uri.getHost() + " refuses with status " + status, null);
                }
                throw denied(status, answer, reference, settings);
            }
            case 404 -> throw notFound(answer, reference, file, settings);
            case 408, 425, 429, 500, 502, 503, 504 ->
                throw new TransientException(
                        what + ": " + uri.getHost() + " answers with status " + status
                                + (status == 429 ? " (too many requests; a token in HF_TOKEN raises the limit)" : ""),
                        retryAfter(answer),
                        null);
            default ->
                throw new HubException(
                        HubException.Reason.FAILED,
                        what + ": " + uri.getHost() + " answers with status " + status
                                + answer.headers()
                                        .firstValue("X-Error-Message")
                                        .map(m -> ": " + m)
                                        .orElse(""));
        }
    }

    private static HubException denied(
            int status, HttpResponse<?> answer, HubReference reference, HubSettings settings) {
        String page = page(reference, settings);
        boolean gated = error(answer).equals("GatedRepo");
        String remedy;
        if (settings.token().isEmpty()) {
            remedy = gated
                    ? "it is gated: accept its licence at " + page + " and set HF_TOKEN to your access token"
                    : "check the name; a private or gated repository needs HF_TOKEN, and its licence accepted at "
                            + page;
        } else {
            remedy = gated || status == 403
                    ? "accept its licence at " + page + ", and check that the token may read gated repositories"
                    : "check the name and the token: either there is no such repository, or the token is wrong or may not"
                            + " read it";
        }
        return new HubException(
                HubException.Reason.DENIED,
                reference.shortName() + ": access denied (status " + status + ", token "
                        + (settings.token().isPresent() ? "sent" : "not set") + "); " + remedy);
    }

    private static HubException notFound(
            HttpResponse<?> answer, HubReference reference, String file, HubSettings settings) {
        String repository = reference.shortName();
        String message = switch (error(answer)) {
            case "RevisionNotFound" -> repository + " has no revision " + reference.revision();
            case "EntryNotFound" ->
                repository + " has no file " + file + " at revision " + reference.revision() + "; see "
                        + page(reference, settings) + "/tree/" + reference.revision();
            default ->
                "no " + repository + (file.isEmpty() ? "" : ", or no file " + file + " in it") + " at revision "
                        + reference.revision() + " on " + settings.endpoint()
                        + "; check the name, or set HF_TOKEN if it is private";
        };
        return new HubException(HubException.Reason.NOT_FOUND, message);
    }

    /** Where people look at a repository. */
    private static String page(HubReference reference, HubSettings settings) {
        return settings.endpoint() + "/" + (reference.kind() == HubReference.Kind.DATASET ? "datasets/" : "")
                + reference.repository();
    }

    private static String error(HttpResponse<?> answer) {
        return answer.headers().firstValue("X-Error-Code").orElse("");
    }

    private static Duration retryAfter(HttpResponse<?> answer) {
        Optional<String> header = answer.headers().firstValue("Retry-After");
        if (header.isPresent()) {
            String value = header.get().strip();
            try {
                Duration asked = value.matches("[0-9]{1,9}")
                        ? Duration.ofSeconds(Long.parseLong(value))
                        : Duration.between(
                                Instant.now(),
                                ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME)
                                        .toInstant());
                return asked.isNegative() ? Duration.ZERO : asked;
            } catch (DateTimeException e) {
                return Duration.ZERO;
            }
        }
        Matcher limit =
                RATE_LIMIT.matcher(answer.headers().firstValue("RateLimit").orElse(""));
        return limit.find() ? Duration.ofSeconds(Long.parseLong(limit.group(1))) : Duration.ZERO;
    }
}
