package org.bitscarp.hub;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Everything that goes wrong between here and a hub. */
class FaultsTest extends OneFileTest {
    private void assertWhole(Snapshot snapshot) throws IOException {
        assertArrayEquals(content, Files.readAllBytes(snapshot.path()));
        assertFalse(Files.exists(incomplete()), "nothing is left incomplete");
    }

    private Path incomplete() {
        return cache.resolve("models--tiny--model/blobs/" + fake.etag(FILE) + BlobDownload.INCOMPLETE);
    }

    private List<String> ranges() {
        return fake.storeGets().stream().map(FakeHub.Seen::range).toList();
    }

    @Test
    void aDroppedConnectionGoesOnWhereItBroke() throws IOException {
        fake.storeFaults.add(fake.dropAfter(content, 100_000));
        fake.storeFaults.add(fake.dropAfter(content, 50_000));
        assertWhole(fetch());
        List<String> ranges = ranges();
        assertEquals(3, ranges.size());
        long first = start(ranges.get(1));
        assertAtMost(100_000, first);
        assertAtMost(first + 50_000, start(ranges.get(2)));
        assertTrue(start(ranges.get(2)) > first, ranges + "");
        assertTrue(notes.getFirst().contains("broke") && notes.getFirst().contains("from byte " + first), notes + "");
    }

    @Test
    void dropsWithoutEndGiveUpAndTheNextRunGoesOn() throws IOException {
        fake.storeFaults.add(fake.dropAfter(content, 100_000));
        for (int i = 0; i < 10; i++) {
            fake.storeFaults.add(fake.dropAfter(content, 0));
        }
        HubException e = refused("hf:tiny/model/" + FILE);
        assertEquals(HubException.Reason.UNREACHABLE, e.reason());
        long left = Files.size(incomplete());
        assertAtMost(100_000, left);
        fake.storeFaults.clear();
        fake.seen.clear();
        Snapshot rest = fetch();
        assertWhole(rest);
        assertEquals(SIZE - left, rest.downloaded());
        assertEquals(List.of("bytes=" + left + "-"), ranges());
    }

    private static long start(String range) {
        return Long.parseLong(range.replaceAll("bytes=([0-9]+)-", "$1"));
    }

    /** What was sent before a connection broke: of its last bytes the JDK's client may lose some on a busy machine. */
    private static void assertAtMost(long sent, long arrived) {
        assertTrue(arrived > sent / 2 && arrived <= sent, arrived + " of " + sent + " bytes arrived");
    }

    @Test
    void aDamagedRestOfAnEarlierRunIsThrownAway() throws IOException {
        Files.createDirectories(incomplete().getParent());
        Files.write(incomplete(), FakeHub.bytes(5_000, 99));
        assertWhole(fetch());
        assertEquals(Arrays.asList("bytes=5000-", null), ranges());
        Files.write(incomplete(), FakeHub.bytes(SIZE + 1, 99));
        Files.delete(cache.resolve("models--tiny--model/blobs/" + fake.etag(FILE)));
        assertWhole(fetch());
    }

    @Test
    void aRestThatIsWholeNeedsNoByte() throws IOException {
        Files.createDirectories(incomplete().getParent());
        Files.write(incomplete(), content);
        Snapshot snapshot = fetch();
        assertWhole(snapshot);
        assertEquals(List.of(), ranges());
    }

    @Test
    void aServerWithoutRangesStartsAgain() throws IOException {
        fake.storeFaults.add(fake.dropAfter(content, 100_000));
        fake.storeFaults.add(exchange -> {
            FakeHub.send(exchange, 200, content);
            return true;
        });
        assertWhole(fetch());
        assertTrue(notes.getLast().contains("starting again"), notes + "");
    }

    @Test
    void aWrongRangeIsRefused() {
        fake.storeFaults.add(fake.dropAfter(content, 100_000));
        fake.storeFaults.add(exchange -> {
            exchange.getResponseHeaders().set("Content-Range", "bytes 90000-" + (SIZE - 1) + "/" + SIZE);
            FakeHub.send(exchange, 206, Arrays.copyOfRange(content, 90_000, SIZE));
            return true;
        });
        refused("bytes from 100000", "90000");
    }

    @Test
    void aWrongChecksumIsRefusedAndNothingKept() throws IOException {
        byte[] damaged = content.clone();
        damaged[SIZE / 2] ^= 1;
        fake.storeFaults.add(exchange -> {
            FakeHub.send(exchange, 200, damaged);
            return true;
        });
        refused("damaged", "SHA-256", fake.etag(FILE));
        assertFalse(Files.exists(incomplete()));
        try (Stream<Path> blobs = Files.list(incomplete().getParent())) {
            assertEquals(0, blobs.count());
        }
        assertFalse(Files.exists(cache.resolve("models--tiny--model/refs/main")), "an unfinished fetch is no state");
        assertWhole(fetch());
    }

    @Test
    void smallFilesAreCheckedToo() {
        fake.small("config.json", "{\"layers\": 2}");
        fake.hubFaults.add(e -> false);
        fake.hubFaults.add(exchange -> {
            FakeHub.send(exchange, 200, "{\"layers\": 3}".getBytes(java.nio.charset.StandardCharsets.UTF_8));
            return true;
        });
        HubException e = assertThrows(HubException.class, () -> fetch(HubReference.parse("hf:tiny/model/config.json")));
        assertTrue(e.getMessage().contains("SHA-1"), e.getMessage());
    }

    @Test
    void aWrongLengthIsRefused() {
        for (int length : new int[] {SIZE - 1, SIZE + 1}) {
            fake.storeFaults.add(exchange -> {
                FakeHub.send(exchange, 200, Arrays.copyOf(content, length));
                return true;
            });
            refused("announced " + SIZE, "" + length);
        }
    }

    @Test
    void anEndlessBodyIsCutOff() {
        fake.storeFaults.add(exchange -> {
            exchange.sendResponseHeaders(200, 0);
            try (OutputStream out = exchange.getResponseBody()) {
                for (int i = 0; i < 50; i++) {
                    out.write(content);
                }
            }
            return true;
        });
        refused("more than the " + SIZE);
    }

    @Test
    void busyAndBrokenServersAreAskedAgain() throws IOException {
        fake.hubFaults.add(e -> answered(e, 500));
        fake.hubFaults.add(e -> answered(e, 429, "Retry-After", "1"));
        fake.hubFaults.add(e -> answered(e, 429, "RateLimit", "\"api\";r=0;t=1"));
        fake.storeFaults.add(e -> answered(e, 503));
        fake.storeFaults.add(e -> answered(e, 403));
        assertWhole(fetch());
        assertEquals(5, notes.size(), notes + "");
        assertTrue(notes.get(0).contains("500") && notes.get(0).endsWith("trying again"), notes + "");
        // As long as the hub asks for, in either of its headers.
        assertTrue(notes.get(1).contains("429") && notes.get(1).endsWith("trying again in 1 s"), notes + "");
        assertTrue(notes.get(2).contains("429") && notes.get(2).endsWith("trying again in 1 s"), notes + "");
        assertTrue(notes.get(3).contains("503") && notes.get(4).contains("403"), notes + "");
    }

    @Test
    void aHubThatAsksForTooLongIsReported() {
        fake.hubFaults.add(e -> answered(e, 429, "Retry-After", "86400"));
        HubException e = refused("429", "86400 s", "HF_TOKEN");
        assertEquals(HubException.Reason.UNREACHABLE, e.reason());
    }

    @Test
    void aSilentConnectionIsDroppedAndTakenUpAgain() throws Exception {
        fake.storeFaults.add(exchange -> {
            exchange.sendResponseHeaders(200, SIZE);
            exchange.getResponseBody().write(content, 0, 1000);
            exchange.getResponseBody().flush();
            try {
                Thread.sleep(20_000);
            } catch (InterruptedException e) {
                // The test is over.
            }
            return true;
        });
        RetryPolicy stall = new RetryPolicy(4, Duration.ofMillis(1), Duration.ofSeconds(5), Duration.ofMillis(500));
        try (Hub hub = new Hub(fake.settings(cache, null, false), stall)) {
            assertWhole(hub.fetch(ONE, FileChoice.NEEDED, noting()));
        }
        assertTrue(notes.getFirst().contains("no byte for"), notes + "");
        assertEquals("bytes=1000-", ranges().getLast());
    }

    /** A server below HTTP: the connection ends in the middle of a line of the headers. */
    @Test
    void aConnectionThatEndsInTheHeadersIsRetried() throws Exception {
        try (ServerSocket server = new ServerSocket(0)) {
            Thread.ofPlatform().daemon().start(() -> {
                for (int i = 0; i < 10; i++) {
                    try (Socket socket = server.accept()) {
                        socket.getInputStream().read(new byte[4096]);
                        socket.getOutputStream().write("HTTP/1.1 200 OK\r\nContent-Le".getBytes());
                    } catch (IOException e) {
                        return;
                    }
                }
            });
            URI endpoint = URI.create("http://127.0.0.1:" + server.getLocalPort());
            HubSettings settings = new HubSettings(endpoint, cache, Optional.empty(), false, "bitscarp/test");
            try (Hub hub = new Hub(settings, FakeHub.IMPATIENT)) {
                HubException e = assertThrows(HubException.class, () -> hub.fetch(ONE, FileChoice.NEEDED, noting()));
                assertEquals(HubException.Reason.UNREACHABLE, e.reason());
                assertTrue(e.getMessage().contains("4 tries"), e.getMessage());
                assertEquals(3, notes.size());
            }
        }
    }

    @Test
    void unknownHostsAreReportedAtOnce() throws IOException {
        HubSettings settings =
                new HubSettings(URI.create("http://hub.invalid"), cache, Optional.empty(), false, "bitscarp/test");
        RetryPolicy slow = new RetryPolicy(6, Duration.ofSeconds(20), Duration.ofMinutes(5), Duration.ofSeconds(60));
        try (Hub hub = new Hub(settings, slow)) {
            HubException e = assertThrows(HubException.class, () -> hub.fetch(ONE, FileChoice.NEEDED, noting()));
            assertEquals(HubException.Reason.UNREACHABLE, e.reason());
            assertTrue(e.getMessage().contains("hub.invalid"), e.getMessage());
        }
    }

    @Test
    void twoFetchesAtOnceTransferOnce() throws Exception {
        fake.storeFaults.add(exchange -> {
            pause();
            return false;
        });
        Callable<Snapshot> one = this::fetch;
        try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
            List<Future<Snapshot>> both = threads.invokeAll(List.of(one, one));
            for (Future<Snapshot> snapshot : both) {
                assertWhole(snapshot.get());
            }
        }
        assertEquals(1, fake.storeGets().size(), "the second waits and finds the file: " + fake.storeGets());
    }

    @Test
    void anotherProcessIsWaitedFor() throws Exception {
        Path lock = cache.resolve(".locks/models--tiny--model/" + fake.etag(FILE) + ".lock");
        Files.createDirectories(lock.getParent());
        Process holder = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        Path.of("src/test/java/org/bitscarp/hub/LockHolder.java")
                                .toString(),
                        lock.toString())
                .redirectErrorStream(true)
                .start();
        try {
            assertEquals('L', holder.getInputStream().read());
            try (ExecutorService thread = Executors.newSingleThreadExecutor()) {
                Future<Snapshot> waiting = thread.submit(() -> fetch());
                while (notes.isEmpty()) {
                    pause();
                    assertFalse(waiting.isDone(), "it fetched in spite of the lock");
                }
                assertTrue(notes.getFirst().contains("another process"), notes + "");
                assertEquals(List.of(), fake.storeGets());
                holder.getOutputStream().close();
                assertWhole(waiting.get());
            }
        } finally {
            holder.destroyForcibly();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(200);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void aFullDiskIsKnownBeforehand() throws IOException {
        long free = Files.getFileStore(cache).getUsableSpace();
        fake.hubFaults.add(exchange -> {
            String file = "{\"rfilename\":\"" + FILE + "\",\"size\":" + (free + (1L << 40)) + ",\"blobId\":\""
                    + "a".repeat(40) + "\",\"lfs\":{\"sha256\":\"" + "b".repeat(64) + "\"}}";
            FakeHub.send(
                    exchange, 200, ("{\"sha\":\"" + FakeHub.COMMIT + "\",\"siblings\":[" + file + "]}").getBytes());
            return true;
        });
        refused("needs", "free", "HF_HUB_CACHE");
        assertEquals(List.of(), fake.storeGets());
    }

    @Test
    void aBlobOfTheWrongSizeIsFetchedAgain() throws IOException {
        Snapshot snapshot = fetch();
        try (FileChannel blob = FileChannel.open(snapshot.path().toRealPath(), StandardOpenOption.WRITE)) {
            blob.truncate(10);
        }
        assertWhole(fetch());
    }
}
