package org.bitscarp.hub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Answers that end a fetch: refusals, mistakes, and what a hostile hub could say. */
class AnswersTest extends OneFileTest {
    @Test
    void deniedSaysWhatToDo() throws IOException {
        fake.neededToken = "hf_right";
        HubException none = refused("401", "HF_TOKEN", "token not set");
        assertEquals(HubException.Reason.DENIED, none.reason());
        fake.gated = true;
        refused("gated", "licence", fake.endpoint() + "/tiny/model");
        try (Hub hub = new Hub(fake.settings(cache, "hf_wrong", false), FakeHub.IMPATIENT)) {
            HubException wrong =
                    assertThrows(HubException.class, () -> hub.fetch(ONE, FileChoice.NEEDED, HubListener.NONE));
            assertTrue(wrong.getMessage().contains("token sent"), wrong.getMessage());
            assertFalse(wrong.getMessage().contains("hf_wrong"), "the token itself is in no message");
        }
    }

    @Test
    void notFoundSaysWhat() {
        assertNotFound("hf:tiny/other", "no hf:tiny/other", "private");
        assertNotFound("hf:tiny/model@v9", "no revision v9");
        assertNotFound("hf:tiny/model/none.gguf", "none.gguf", FILE);
        fake.kind = "datasets";
        assertNotFound("hf:datasets/tiny/model/none.parquet", "no file none.parquet");
    }

    private void assertNotFound(String reference, String... words) {
        HubException e = assertThrows(HubException.class, () -> fetch(HubReference.parse(reference)));
        assertEquals(HubException.Reason.NOT_FOUND, e.reason());
        for (String word : words) {
            assertTrue(e.getMessage().contains(word), "expected \"" + word + "\" in: " + e.getMessage());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../evil",
                "/etc/evil",
                "a/../../evil",
                "a\\..\\evil",
                "evil\0",
                "C:evil",
                "a//b",
                "./x",
                "a/",
                ""
            })
    void namesThatLeadOutOfTheCacheAreRefused(String name) throws IOException {
        fake.small(name, "boo");
        refused("could lead out of the cache");
        try (Stream<Path> all = Files.walk(cache)) {
            assertEquals(0, all.filter(Files::isRegularFile).count());
        }
    }

    @Test
    void anAnswerThatIsNoHubIsRefused() {
        fake.hubFaults.add(exchange -> {
            FakeHub.send(exchange, 200, "<html>sign in to the network</html>".getBytes());
            return true;
        });
        refused("is no hub", "HF_ENDPOINT");
        fake.commit = "../../../../tmp/x";
        refused("is no hub");
    }

    @Test
    void redirectsThatLeadNowhereAreRefused() {
        fake.hubFaults.add(e -> false);
        fake.hubFaults.add(e -> answered(e, 302, "Location", "file:///etc/passwd"));
        refused("not followed");
        fake.hubFaults.add(e -> false);
        for (int i = 0; i < 20; i++) {
            fake.hubFaults.add(e -> answered(e, 302, "Location", "/again"));
        }
        refused("redirects more than");
    }
}
