package org.bitscarp.hub;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Makes one blob of the cache: continues what an earlier try left, survives dropped connections, and moves the file into
 * place only when its checksum is the one that it is named by.
 */
final class BlobDownload {
    /** What a blob in the making is called behind its checksum. */
    static final String INCOMPLETE = ".bitscarp.incomplete";

    private static final int BUFFER = 1 << 18;
    private static final Pattern CONTENT_RANGE = Pattern.compile("bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18}|\\*)");

    /** Hears how many bytes came in, or were there already and had to be thrown away (negative). */
    interface Meter {
        void add(String file, long bytes);
    }

    private final HubClient client;
    private final RetryPolicy policy;
    private final HubListener listener;
    private final Meter meter;
    private final HubReference reference;
    private final String commit;
    private final RepositoryFile file;
    private final Path blob;
    private final Path incomplete;

    private ContentHash hash;
    private long position;
    private boolean resumed;

    BlobDownload(
            HubClient client,
            RetryPolicy policy,
            HubListener listener,
            Meter meter,
            HubReference reference,
            String commit,
            RepositoryFile file,
            Path blob) {
        this.client = client;
        this.policy = policy;
        this.listener = listener;
        this.meter = meter;
        this.reference = reference;
        this.commit = commit;
        this.file = file;
        this.blob = blob;
        this.incomplete = incomplete(blob);
    }

    static Path incomplete(Path blob) {
        return blob.resolveSibling(blob.getFileName() + INCOMPLETE);
    }

    /** Needs the blob's lock. */
    void run() throws IOException {
        Files.createDirectories(blob.getParent());
        try (FileChannel out = FileChannel.open(
                incomplete, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            takeUp(out);
            while (true) {
                transferAll(out);
                String mismatch = hash.mismatch();
                if (mismatch.isEmpty()) {
                    break;
                }
                boolean again = resumed;
                restart(out);
                if (!again) {
                    Files.deleteIfExists(incomplete);
                    throw failed("arrived damaged: " + mismatch + "; nothing was kept. Try again, and if it stays so,"
                            + " the hub or a proxy changes the file");
                }
                listener.note(what() + ": what an earlier try left is damaged; starting again");
            }
            out.force(true);
        }
        Files.move(incomplete, blob, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }

    /** Hashes what an earlier try left, to go on behind it. */
    private void takeUp(FileChannel out) throws IOException {
        hash = ContentHash.of(file.etag(), file.size());
        long left = out.size();
        if (file.size() < 0 || left > file.size()) {
            restart(out);
            return;
        }
        ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
        while (position < left) {
            buffer.clear();
            int read = out.read(buffer, position);
            if (read < 0) {
                break;
            }
            hash.update(buffer.array(), read);
            position += read;
        }
        resumed = position > 0;
    }

    private void restart(FileChannel out) throws IOException {
        out.truncate(0);
        meter.add(file.name(), -position);
        position = 0;
        resumed = false;
        hash = ContentHash.of(file.etag(), file.size());
    }

    private void transferAll(FileChannel out) throws IOException {
        int failures = 0;
        while (position != file.size()) {
            long before = position;
            try {
                transfer(out);
                if (file.size() < 0) {
                    return;
                }
                if (position != file.size()) {
                    throw HubHttp.transientFailure(
                            what() + ": the connection ended after " + position + " of " + file.size() + " bytes",
                            null);
                }
            } catch (TransientException e) {
                // A try that brought bytes counts as the first again, so a long file survives many drops.
                failures = position > before ? 1 : failures + 1;
                policy.pause(failures, e, "going on from byte " + position, listener);
            }
        }
    }

    private void transfer(FileChannel out) throws IOException {
        HttpResponse<InputStream> answer = client.open(reference, commit, file.name(), position);
        try (StallGuard body = new StallGuard(answer.body(), policy.stall())) {
            if (answer.statusCode() == 416 && position > 0) {
                restart(out);
                return;
            }
            Answers.check(answer, reference, file.name(), client.settings());
            checkRange(answer, out);
            byte[] buffer = new byte[BUFFER];
            while (true) {
                int read = read(body, buffer);
                if (read < 0) {
                    return;
                }
                if (file.size() >= 0 && position + read > file.size()) {
                    restart(out);
                    throw failed("the hub sends more than the " + file.size() + " bytes that it announced");
                }
                write(out, buffer, read);
                hash.update(buffer, read);
                position += read;
                meter.add(file.name(), read);
            }
        }
    }

    /** Does what is sent begin where we stopped, and end where the file does? */
    private void checkRange(HttpResponse<InputStream> answer, FileChannel out) throws IOException {
        long total;
        if (answer.statusCode() == 206) {
            String range = answer.headers().firstValue("Content-Range").orElse("");
            Matcher matcher = CONTENT_RANGE.matcher(range);
            if (!matcher.matches() || Long.parseLong(matcher.group(1)) != position) {
                throw failed("asked for bytes from " + position + " on, the hub sends \"" + range + "\"");
            }
            total = matcher.group(2).equals("*") ? -1 : Long.parseLong(matcher.group(2));
        } else {
            if (position > 0) {
                listener.note(what() + ": the server cannot go on in the middle; starting again");
                restart(out);
            }
            total = answer.headers().firstValueAsLong("Content-Length").orElse(-1);
        }
        if (total >= 0 && file.size() >= 0 && total != file.size()) {
            throw failed("the hub announced " + file.size() + " bytes, now it sends " + total);
        }
    }

    private int read(StallGuard body, byte[] buffer) throws IOException {
        try {
            return body.read(buffer);
        } catch (InterruptedIOException e) {
            throw e;
        } catch (IOException e) {
            if (Thread.currentThread().isInterrupted()) {
                throw new InterruptedIOException("interrupted");
            }
            throw HubHttp.transientFailure(
                    what() + ": "
                            + (body.stalled()
                                    ? "no byte for " + policy.stall().toSeconds() + " s"
                                    : "the connection broke"),
                    e);
        }
    }

    private void write(FileChannel out, byte[] bytes, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.wrap(bytes, 0, length);
        try {
            long at = position;
            while (buffer.hasRemaining()) {
                at += out.write(buffer, at);
            }
        } catch (IOException e) {
            throw new HubException(
                    HubException.Reason.FAILED,
                    "cannot write " + incomplete + ": " + e.getMessage() + "; a rerun goes on from there",
                    e);
        }
    }

    private String what() {
        return reference.shortName() + "/" + file.name();
    }

    private HubException failed(String message) {
        return new HubException(HubException.Reason.FAILED, what() + ": " + message);
    }
}
