package org.bitscarp.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** References, settings, patterns and checksums: no network. */
class ReferencesTest {
    @TempDir
    Path home;

    @ParameterizedTest
    @CsvSource(
            nullValues = "-",
            value = {
                "hf:a/b, MODEL, a/b, main, ''",
                "hf://a/b, MODEL, a/b, main, ''",
                "hf:models/a/b, MODEL, a/b, main, ''",
                "hf:datasets/a/b, DATASET, a/b, main, ''",
                "hf:TheBloke/Llama-2.7_B@v1.0, MODEL, TheBloke/Llama-2.7_B, v1.0, ''",
                "hf:a/b@feature%2Fx/sub/f.gguf, MODEL, a/b, feature/x, sub/f.gguf",
                "hf:a/b@refs/pr/12/f.gguf, MODEL, a/b, refs/pr/12, f.gguf",
                "hf:datasets/a/b@refs/convert/parquet/x/0.parquet, DATASET, a/b, refs/convert/parquet, x/0.parquet",
                "hf:a/b/with@sign.gguf, MODEL, a/b, main, with@sign.gguf",
                "hf:a/b/folder/, MODEL, a/b, main, folder",
            })
    void referencesAreRead(String text, HubReference.Kind kind, String repository, String revision, String path) {
        HubReference reference = HubReference.parse(text);
        assertEquals(new HubReference(kind, repository, revision, path), reference);
        assertEquals(reference, HubReference.parse(reference.toString()), "the canonical form reads back");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "hf:",
                "hf:gpt2",
                "hf:a/",
                "hf:/b",
                "hf:a//b",
                "hf:a/b@",
                "hf:a/b@../x",
                "hf:a/b@%2Fetc",
                "hf:a/b/../c",
                "hf:a/b/c\\d",
                "hf:a/b/c\0",
                "hf:../b",
                "hf:a/..",
                "hf:a/b--c",
                "hf:a/-b",
                "hf:a/b.",
                "hf:a b/c",
                "hf:a/b//c",
                "hf:é/b",
                "hf:datasets/a"
            })
    void whatIsNoReferenceIsRefused(String text) {
        String message = assertThrows(IllegalArgumentException.class, () -> HubReference.parse(text))
                .getMessage();
        assertTrue(message.contains("expected hf:owner/name"), message);
    }

    private HubSettings settings(String... variables) throws HubException {
        Map<String, String> map = new HashMap<>();
        for (int i = 0; i < variables.length; i += 2) {
            map.put(variables[i], variables[i + 1]);
        }
        return HubSettings.of(map, home, "test");
    }

    @Test
    void variablesGoBeforeOneAnotherAsInPython() throws IOException {
        assertEquals(home.resolve(".cache/huggingface/hub"), settings().cache());
        assertEquals(
                Path.of("/x/huggingface/hub"), settings("XDG_CACHE_HOME", "/x").cache());
        assertEquals(
                Path.of("/h/hub"),
                settings("XDG_CACHE_HOME", "/x", "HF_HOME", "/h").cache());
        assertEquals(
                Path.of("/c"),
                settings("XDG_CACHE_HOME", "/x", "HF_HOME", "/h", "HF_HUB_CACHE", "/c")
                        .cache());
        assertEquals(home.resolve("h/hub"), settings("HF_HOME", "~/h").cache());
        assertEquals(URI.create("https://huggingface.co"), settings().endpoint());
        assertEquals(
                URI.create("http://localhost:8080/hf"),
                settings("HF_ENDPOINT", "http://localhost:8080/hf/").endpoint());
        assertTrue(settings("HF_HUB_OFFLINE", "1").offline()
                && settings("HF_HUB_OFFLINE", "yes").offline());
        assertFalse(settings("HF_HUB_OFFLINE", "0").offline() || settings().offline());
        for (String wrong : new String[] {"localhost:8080", "ftp://x", "http://", "http://a b", "https://x/?q"}) {
            assertThrows(HubException.class, () -> settings("HF_ENDPOINT", wrong), wrong);
        }
    }

    @Test
    void theTokenComesFromVariableOrFile() throws IOException {
        assertEquals(Optional.empty(), settings().token());
        Files.createDirectories(home.resolve(".cache/huggingface"));
        Files.writeString(home.resolve(".cache/huggingface/token"), "hf_file\n");
        assertEquals(Optional.of("hf_file"), settings().token());
        assertEquals(
                Optional.of("hf_variable"),
                settings("HF_TOKEN", " hf_variable ").token());
        Files.writeString(home.resolve("token"), "hf_home");
        assertEquals(
                Optional.of("hf_home"), settings("HF_HOME", home.toString()).token());
        HubException e = assertThrows(HubException.class, () -> settings("HF_TOKEN", "hf_a\r\nX-Evil: 1"));
        assertFalse(e.getMessage().contains("hf_a"), "no part of a token in a message: " + e.getMessage());
    }

    @ParameterizedTest
    @CsvSource({
        "*.gguf, a/b.gguf, true",
        "*Q4_K_M*, x-Q4_K_M.gguf, true",
        "*.gguf, b.gguf.txt, false",
        "model-0000?.bin, model-00001.bin, true",
        "original/, original/a/b, true",
        "[ab].txt, b.txt, true",
        "[!ab].txt, b.txt, false",
        "a+b(c).txt, a+b(c).txt, true",
        "[x, [x, true",
    })
    void patternsMatchAsInPython(String glob, String name, boolean matches) {
        assertEquals(matches, new Globs(List.of(glob)).match(name));
    }

    /** Figures from sha256sum, {@code git hash-object} and the empty blob of every git repository. */
    @ParameterizedTest
    @CsvSource({
        "hello, ce013625030ba8dba906f756967f9e9ca394464a",
        "'', e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
        "hello, 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03",
        "anything, not-a-checksum",
    })
    void checksums(String text, String etag) {
        byte[] content = (text.isEmpty() ? "" : text + "\n").getBytes();
        ContentHash right = ContentHash.of(etag, content.length);
        right.update(content, content.length);
        assertEquals("", right.mismatch());
        if (!etag.startsWith("not")) {
            ContentHash wrong = ContentHash.of(etag, content.length);
            wrong.update(new byte[] {1}, 1);
            assertTrue(wrong.mismatch().contains("expected " + etag));
        }
    }

    @Test
    void proxiesOfTheEnvironment() {
        var proxies = EnvironmentProxy.selector(Map.of(
                "HTTPS_PROXY", "http://proxy:3128", "http_proxy", "proxy:3128", "NO_PROXY", "localhost,.corp.example"));
        Proxy proxy = proxies.select(URI.create("https://huggingface.co/x")).getFirst();
        assertEquals(3128, ((InetSocketAddress) proxy.address()).getPort());
        assertEquals(
                Proxy.NO_PROXY,
                proxies.select(URI.create("https://hub.corp.example/")).getFirst());
        assertEquals(
                Proxy.NO_PROXY,
                proxies.select(URI.create("http://127.0.0.1:80/")).getFirst());
        assertEquals(proxy, proxies.select(URI.create("http://huggingface.co/")).getFirst());
    }

    @Test
    void sizesAreShort() {
        assertEquals("999 B", NeededFiles.size(999));
        assertEquals("1.0 kB", NeededFiles.size(1000));
        assertEquals("4.1 GB", NeededFiles.size(4_080_000_000L));
        assertEquals("1.0 MB", NeededFiles.size(999_990));
    }
}
