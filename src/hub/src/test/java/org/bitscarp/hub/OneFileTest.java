package org.bitscarp.hub;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A hub with one large file, and fetching it. */
@Timeout(60)
abstract class OneFileTest {
    static final String FILE = "model.gguf";
    static final HubReference ONE = HubReference.parse("hf:tiny/model/" + FILE);
    static final int SIZE = 700_000;

    @TempDir
    Path cache;

    FakeHub fake;
    final byte[] content = FakeHub.bytes(SIZE, 7);
    final List<String> notes = new CopyOnWriteArrayList<>();

    @BeforeEach
    void start() throws IOException {
        fake = new FakeHub();
        fake.large(FILE, content);
    }

    @AfterEach
    void stop() {
        fake.close();
    }

    Snapshot fetch() throws IOException {
        return fetch(ONE);
    }

    Snapshot fetch(HubReference reference) throws IOException {
        try (Hub hub = fake.client(cache)) {
            return hub.fetch(reference, FileChoice.NEEDED, noting());
        }
    }

    HubListener noting() {
        return new HubListener() {
            @Override
            public void progress(String file, long done, long total) {}

            @Override
            public void note(String message) {
                notes.add(message);
            }
        };
    }

    HubException refused(String... words) {
        HubException e = assertThrows(HubException.class, this::fetch);
        for (String word : words) {
            assertTrue(e.getMessage().contains(word), "expected \"" + word + "\" in: " + e.getMessage());
        }
        return e;
    }

    static boolean answered(com.sun.net.httpserver.HttpExchange exchange, int status, String... headers)
            throws IOException {
        FakeHub.status(exchange, status, headers);
        return true;
    }
}
