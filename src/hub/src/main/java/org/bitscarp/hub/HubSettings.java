package org.bitscarp.hub;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Where the hub is, where its files are kept, and who asks. The variables and their order are those of the
 * {@code huggingface_hub} library (its {@code constants.py} and {@code utils/_auth.py}).
 *
 * @param endpoint address of the hub without a slash at the end
 * @param cache folder of all cached repositories
 * @param token access token, sent to the endpoint and to nobody else
 * @param offline no network: only what is cached
 * @param userAgent program and version, as the hub sees it
 */
public record HubSettings(URI endpoint, Path cache, Optional<String> token, boolean offline, String userAgent) {
    /** The public hub. */
    public static final URI DEFAULT_ENDPOINT = URI.create("https://huggingface.co");

    /**
     * Reads {@code HF_ENDPOINT}, {@code HF_HUB_CACHE}, {@code HF_HOME}, {@code XDG_CACHE_HOME}, {@code HF_TOKEN},
     * {@code HF_TOKEN_PATH}, {@code HF_HUB_OFFLINE} and the token file.
     *
     * @param variables the environment
     * @param home the user's home folder
     * @throws HubException when a variable makes no sense or the token file cannot be read
     */
    public static HubSettings of(Map<String, String> variables, Path home, String userAgent) throws HubException {
        Path base = folder(variables, "XDG_CACHE_HOME", home).orElse(home.resolve(".cache"));
        Path hubHome = folder(variables, "HF_HOME", home).orElse(base.resolve("huggingface"));
        Path cache = folder(variables, "HF_HUB_CACHE", home)
                .or(() -> folder(variables, "HUGGINGFACE_HUB_CACHE", home))
                .orElse(hubHome.resolve("hub"));
        return new HubSettings(
                endpoint(variables),
                cache,
                token(variables, folder(variables, "HF_TOKEN_PATH", home).orElse(hubHome.resolve("token"))),
                isTrue(variables.get("HF_HUB_OFFLINE")) || isTrue(variables.get("TRANSFORMERS_OFFLINE")),
                userAgent);
    }

    private static URI endpoint(Map<String, String> variables) throws HubException {
        String text = variables.getOrDefault("HF_ENDPOINT", "").strip().replaceAll("/+$", "");
        if (text.isEmpty()) {
            return DEFAULT_ENDPOINT;
        }
        try {
            URI uri = URI.create(text);
            boolean web = "https".equalsIgnoreCase(uri.getScheme()) || "http".equalsIgnoreCase(uri.getScheme());
            if (web && uri.getHost() != null && uri.getQuery() == null && uri.getFragment() == null) {
                return uri;
            }
        } catch (IllegalArgumentException e) {
            // Told below: the reason is the same.
        }
        throw new HubException(
                HubException.Reason.FAILED,
                "HF_ENDPOINT is \"" + text + "\"; expected the address of a hub, e.g. " + DEFAULT_ENDPOINT);
    }

    private static Optional<String> token(Map<String, String> variables, Path file) throws HubException {
        String token = variables.getOrDefault("HF_TOKEN", variables.getOrDefault("HUGGING_FACE_HUB_TOKEN", ""));
        String source = "HF_TOKEN";
        if (token.isBlank() && Files.isRegularFile(file)) {
            source = file.toString();
            try {
                token = Files.readString(file);
            } catch (IOException e) {
                throw new HubException(
                        HubException.Reason.FAILED, "cannot read the token file " + file + ": " + e.getMessage(), e);
            }
        }
        token = token.strip();
        // A header cannot carry anything else, and the token itself must not get into a message.
        if (!token.chars().allMatch(c -> c > ' ' && c < 127)) {
            throw new HubException(
                    HubException.Reason.FAILED, source + " holds blanks or letters that no access token has");
        }
        return token.isEmpty() ? Optional.empty() : Optional.of(token);
    }

    private static Optional<Path> folder(Map<String, String> variables, String name, Path home) {
        String text = variables.getOrDefault(name, "").strip();
        if (text.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(
                text.equals("~") ? home : text.startsWith("~/") ? home.resolve(text.substring(2)) : Path.of(text));
    }

    private static boolean isTrue(String value) {
        return value != null
                && switch (value.strip().toUpperCase(Locale.ROOT)) {
                    case "1", "ON", "YES", "TRUE" -> true;
                    default -> false;
                };
    }

    /** Without the token, so that it cannot get into a log. */
    @Override
    public String toString() {
        return "HubSettings[endpoint=" + endpoint + ", cache=" + cache + ", token="
                + (token.isPresent() ? "set" : "not set") + ", offline=" + offline + "]";
    }
}
