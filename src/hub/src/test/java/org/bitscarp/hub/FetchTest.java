package org.bitscarp.hub;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a fetch asks for, where it puts it, and when it needs no network. */
@Timeout(60)
class FetchTest {
    private static final HubReference MODEL = HubReference.parse("hf:" + FakeHub.REPOSITORY);

    @TempDir
    Path cache;

    private FakeHub fake;

    @BeforeEach
    void start() throws IOException {
        fake = new FakeHub();
    }

    @AfterEach
    void stop() {
        fake.close();
    }

    private Snapshot fetch(HubReference reference, FileChoice choice) throws IOException {
        try (Hub hub = fake.client(cache)) {
            return hub.fetch(reference, choice, HubListener.NONE);
        }
    }

    private Snapshot offline(HubReference reference) throws IOException {
        try (Hub hub = new Hub(fake.settings(cache, null, true), FakeHub.IMPATIENT)) {
            return hub.fetch(reference, FileChoice.NEEDED, HubListener.NONE);
        }
    }

    private static Set<String> names(Snapshot snapshot) {
        return snapshot.files().stream().map(RepositoryFile::name).collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void theCacheHasTheStandardLayout() throws IOException {
        fake.model();
        Snapshot snapshot = fetch(MODEL, FileChoice.NEEDED);
        Path folder = cache.resolve("models--tiny--model");
        assertEquals(folder.resolve("snapshots").resolve(FakeHub.COMMIT), snapshot.path());
        assertEquals(FakeHub.COMMIT, Files.readString(folder.resolve("refs/main")), "no line end, as others write it");
        for (RepositoryFile file : snapshot.files()) {
            Path link = snapshot.path().resolve(file.name());
            assertEquals(Path.of("../../blobs/" + fake.etag(file.name())), Files.readSymbolicLink(link));
            assertArrayEquals(fake.content(file.name()), Files.readAllBytes(link));
        }
        try (Stream<Path> blobs = Files.list(folder.resolve("blobs"))) {
            Set<String> contents = snapshot.files().stream()
                    .map(file -> fake.etag(file.name()))
                    .collect(Collectors.toSet());
            assertEquals(contents, blobs.map(b -> b.getFileName().toString()).collect(Collectors.toSet()));
            assertEquals(6, contents.size(), "two files are the same");
        }
        assertTrue(Files.exists(cache.resolve(
                ".locks/models--tiny--model/" + fake.etag("model-00001-of-00002.safetensors") + ".lock")));
    }

    @Test
    void onlyWhatAModelNeedsIsFetched() throws IOException {
        fake.model();
        Snapshot snapshot = fetch(MODEL, FileChoice.NEEDED);
        assertEquals(
                Set.of(
                        "chat_template.jinja",
                        "config.json",
                        "model-00001-of-00002.safetensors",
                        "model-00002-of-00002.safetensors",
                        "model.safetensors.index.json",
                        "tokenizer.json",
                        "tokenizer_config.json"),
                names(snapshot));
        assertEquals(2, fake.storeGets().size(), "only the shards that the index names: " + fake.storeGets());
        assertEquals(
                "model-00001-of-00002.safetensors", snapshot.files().getLast().name(), "the largest last");
    }

    @Test
    void theTokenGoesToTheHubAndNowhereElse() throws IOException {
        fake.model();
        fake.neededToken = "hf_secret";
        try (Hub hub = new Hub(fake.settings(cache, "hf_secret", false), FakeHub.IMPATIENT)) {
            hub.fetch(MODEL, FileChoice.NEEDED, HubListener.NONE);
        }
        assertFalse(fake.storeGets().isEmpty());
        for (FakeHub.Seen seen : fake.seen) {
            if (seen.store()) {
                assertNull(seen.authorization(), "the store got " + seen);
            } else {
                assertEquals("Bearer hf_secret", seen.authorization());
            }
        }
        assertFalse(fake.settings(cache, "hf_secret", false).toString().contains("secret"));
    }

    @Test
    void whatIsThereIsNotFetchedAgain() throws IOException {
        fake.model();
        long bytes = fetch(MODEL, FileChoice.NEEDED).downloaded();
        assertTrue(bytes > 500_000, "" + bytes);
        fake.seen.clear();
        Snapshot again = fetch(MODEL, FileChoice.NEEDED);
        assertEquals(0, again.downloaded());
        assertEquals(1, fake.seen.size(), "one question which commit main is: " + fake.seen);
        fake.seen.clear();
        Snapshot pinned = fetch(HubReference.parse("hf:tiny/model@" + FakeHub.COMMIT), FileChoice.NEEDED);
        assertEquals(again.path(), pinned.path());
        assertEquals(List.of(), fake.seen, "a commit never changes, so nothing is asked");
    }

    @Test
    void filesSharedByTwoCommitsAreStoredOnce() throws IOException {
        fake.model();
        fetch(MODEL, FileChoice.NEEDED);
        fake.commit = "f".repeat(40);
        fake.small("config.json", "{\"model_type\":\"llama\",\"v\":2}");
        Snapshot second = fetch(MODEL, FileChoice.NEEDED);
        assertEquals(fake.content("config.json").length, second.downloaded());
        assertEquals("f".repeat(40), Files.readString(cache.resolve("models--tiny--model/refs/main")));
        assertEquals(7, names(second).size());
    }

    @Test
    void offlineUsesTheCacheAndNamesWhatIsMissing() throws IOException {
        fake.model();
        HubException nothing = assertThrows(HubException.class, () -> offline(MODEL));
        assertTrue(nothing.getMessage().contains("HF_HUB_OFFLINE"), nothing.getMessage());
        Snapshot online = fetch(MODEL, FileChoice.NEEDED);
        fake.seen.clear();
        assertEquals(names(online), names(offline(MODEL)));
        assertEquals(List.of(), fake.seen);
        Files.delete(online.path().resolve("model-00002-of-00002.safetensors"));
        HubException missing = assertThrows(HubException.class, () -> offline(MODEL));
        assertTrue(missing.getMessage().contains("model-00002-of-00002.safetensors"), missing.getMessage());
    }

    @Test
    void aHubOutOfReachLeavesTheCache() throws IOException {
        fake.model();
        Snapshot online = fetch(MODEL, FileChoice.NEEDED);
        fake.close();
        Snapshot cached = fetch(MODEL, FileChoice.NEEDED);
        assertEquals(online.path(), cached.path());
        assertTrue(cached.note().contains("127.0.0.1"), cached.note());
        HubException other =
                assertThrows(HubException.class, () -> fetch(HubReference.parse("hf:tiny/other"), FileChoice.NEEDED));
        assertEquals(HubException.Reason.UNREACHABLE, other.reason());
    }

    @Test
    void patternsReplaceTheChoice() throws IOException {
        fake.model();
        Snapshot readme = fetch(MODEL, new FileChoice(List.of("*.md", "original/"), List.of()));
        assertEquals(Set.of("README.md", "original/consolidated.00.pth"), names(readme));
        Path nested = readme.path().resolve("original/consolidated.00.pth");
        assertEquals(
                Path.of("../../../blobs/" + fake.etag("original/consolidated.00.pth")), Files.readSymbolicLink(nested));
        Snapshot without = fetch(MODEL, new FileChoice(List.of(), List.of("*.safetensors")));
        assertFalse(names(without).stream().anyMatch(n -> n.endsWith(".safetensors")), without + "");
        assertTrue(names(without).contains("config.json"));
        HubException none =
                assertThrows(HubException.class, () -> fetch(MODEL, new FileChoice(List.of("*.gguf"), List.of())));
        assertTrue(none.getMessage().contains("README.md (7 B)"), none.getMessage());
    }

    @Test
    void oneFileOfAModel() throws IOException {
        fake.large("tiny-q4_k_m.gguf", FakeHub.bytes(2_500, 1)).large("tiny-q8_0.gguf", FakeHub.bytes(40_000, 2));
        HubException choose = assertThrows(HubException.class, () -> fetch(MODEL, FileChoice.NEEDED));
        assertTrue(
                choose.getMessage().contains("hf:tiny/model/tiny-q4_k_m.gguf")
                        && choose.getMessage().contains("tiny-q8_0.gguf (40 kB)"),
                choose.getMessage());
        Snapshot one = fetch(HubReference.parse("hf:tiny/model/tiny-q4_k_m.gguf"), FileChoice.NEEDED);
        assertEquals(Set.of("tiny-q4_k_m.gguf"), names(one));
        assertArrayEquals(fake.content("tiny-q4_k_m.gguf"), Files.readAllBytes(one.path()));
        assertEquals(one.path(), offline(one.reference()).path());
    }

    @Test
    void aFolderOfARepository() throws IOException {
        fake.small("config.json", "{}").large("model.safetensors", FakeHub.bytes(10, 1));
        fake.small("small/config.json", "{\"s\":1}").large("small/model.safetensors", FakeHub.bytes(20, 2));
        Snapshot sub = fetch(HubReference.parse("hf:tiny/model@main/small"), FileChoice.NEEDED);
        assertEquals(Set.of("small/config.json", "small/model.safetensors"), names(sub));
        assertEquals("{\"s\":1}", Files.readString(sub.path().resolve("config.json")));
        HubException none = assertThrows(
                HubException.class, () -> fetch(HubReference.parse("hf:tiny/model/nothing"), FileChoice.NEEDED));
        assertTrue(none.getMessage().contains("no file or folder nothing"), none.getMessage());
    }

    @Test
    void aLlama2cFileComesWithItsTokenizer() throws IOException {
        fake.large("s/stories.bin", FakeHub.bytes(100, 1)).large("s/tok512.bin", FakeHub.bytes(10, 2));
        fake.large("s/other.bin", FakeHub.bytes(10, 3));
        Snapshot one = fetch(HubReference.parse("hf:tiny/model/s/stories.bin"), FileChoice.NEEDED);
        assertEquals(Set.of("s/stories.bin", "s/tok512.bin"), names(one));
    }

    @Test
    void picklesAloneAreExplained() {
        fake.small("config.json", "{}").large("pytorch_model.bin", FakeHub.bytes(10, 1));
        HubException e = assertThrows(HubException.class, () -> fetch(MODEL, FileChoice.NEEDED));
        assertTrue(
                e.getMessage().contains("pytorch_model.bin") && e.getMessage().contains("converted"), e.getMessage());
    }

    @Test
    void aFileOfADataSetIsFoundWithoutTheList() throws IOException {
        fake.kind = "datasets";
        fake.large("raw/test.parquet", FakeHub.bytes(5_000, 1));
        Snapshot one =
                fetch(HubReference.parse("hf:datasets/tiny/model@refs/pr/1/raw/test.parquet"), FileChoice.NEEDED);
        assertArrayEquals(fake.content("raw/test.parquet"), Files.readAllBytes(one.path()));
        assertTrue(one.path().startsWith(cache.resolve("datasets--tiny--model")));
        assertEquals(FakeHub.COMMIT, Files.readString(cache.resolve("datasets--tiny--model/refs/refs/pr/1")));
        assertFalse(fake.seen.stream().anyMatch(s -> s.path().startsWith("/api")), fake.seen + "");
        HubException choose = assertThrows(
                HubException.class, () -> fetch(HubReference.parse("hf:datasets/tiny/model"), FileChoice.NEEDED));
        assertTrue(choose.getMessage().contains("raw/test.parquet"), choose.getMessage());
    }

    @Test
    void aHubThatListsNoChecksumsIsAskedFileByFile() throws IOException {
        fake.model();
        fake.metadata = false;
        Snapshot snapshot = fetch(MODEL, FileChoice.NEEDED);
        assertEquals(7, names(snapshot).size());
        for (RepositoryFile file : snapshot.files()) {
            assertArrayEquals(
                    fake.content(file.name()),
                    Files.readAllBytes(snapshot.path().resolve(file.name())));
        }
    }

    @Test
    void progressReachesTheTotal() throws IOException {
        fake.model();
        List<Long> done = new ArrayList<>();
        List<Long> totals = new ArrayList<>();
        try (Hub hub = fake.client(cache)) {
            hub.fetch(MODEL, FileChoice.NEEDED, (file, d, total) -> {
                done.add(d);
                totals.add(total);
            });
        }
        assertEquals(done.stream().sorted().toList(), done, "never backwards");
        assertEquals(totals.getLast(), done.getLast());
    }

    @Test
    void withoutSymbolicLinksFilesAreStillThere() throws IOException {
        HubCache layout = new HubCache(cache, MODEL);
        RepositoryFile file = new RepositoryFile("config.json", 2, "abc");
        Files.createDirectories(layout.blob("abc").getParent());
        Files.writeString(layout.blob("abc"), "{}");
        Files.createDirectories(layout.snapshot(FakeHub.COMMIT));
        // What a system without links, or a copied cache, has instead.
        Files.copy(layout.blob("abc"), layout.file(FakeHub.COMMIT, "config.json"));
        assertTrue(layout.has(FakeHub.COMMIT, file));
        Files.createDirectories(layout.folder().resolve("refs"));
        Files.writeString(layout.folder().resolve("refs/main"), FakeHub.COMMIT + "\n");
        assertEquals(Optional.of(FakeHub.COMMIT), layout.commit(MODEL));
    }
}
