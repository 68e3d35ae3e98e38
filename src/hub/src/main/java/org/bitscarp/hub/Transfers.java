package org.bitscarp.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** The files of one fetch, a few at a time. */
final class Transfers implements AutoCloseable {
    /** Connections at once: the store limits each of them, a hub's limits are far higher. */
    private static final int LANES = 4;

    private final HubClient client;
    private final RetryPolicy policy;
    private final HubListener listener;
    private final HubCache cache;
    private final HubReference reference;
    private final String commit;
    private final ExecutorService lanes = Executors.newFixedThreadPool(
            LANES, Thread.ofPlatform().daemon().name("hub-", 0).factory());

    private long done;
    private long total;

    Transfers(
            HubClient client,
            RetryPolicy policy,
            HubListener listener,
            HubCache cache,
            HubReference reference,
            String commit) {
        this.client = client;
        this.policy = policy;
        this.listener = new Serial(listener);
        this.cache = cache;
        this.reference = reference;
        this.commit = commit;
    }

    /** Fetches a file that the choice of others depends on. */
    Path fetchOne(RepositoryFile file) throws IOException {
        fetch(List.of(file));
        return cache.file(commit, file.name());
    }

    /** @return bytes transferred by all calls so far */
    long fetch(List<RepositoryFile> files) throws IOException {
        List<RepositoryFile> missing = new ArrayList<>();
        for (RepositoryFile file : files) {
            if (!cache.has(commit, file)) {
                missing.add(file.etag().isEmpty() || file.size() < 0 ? described(file) : file);
            }
        }
        long needed = 0;
        Set<String> contents = new HashSet<>();
        for (RepositoryFile file : missing) {
            if (contents.add(file.etag()) && !Files.exists(cache.blob(file.etag()))) {
                Path begun = BlobDownload.incomplete(cache.blob(file.etag()));
                long there = Files.exists(begun) ? Math.min(Files.size(begun), Math.max(0, file.size())) : 0;
                needed += Math.max(0, file.size() - there);
            }
        }
        if (!missing.isEmpty()) {
            checkSpace(needed);
            HubCache.tag(cache.folder().getParent());
        }
        total = done + needed;
        run(missing);
        return done;
    }

    private RepositoryFile described(RepositoryFile file) throws IOException {
        HubReference pinned = new HubReference(reference.kind(), reference.repository(), commit, file.name());
        return client.describe(pinned, file.name(), policy, listener).files().getFirst();
    }

    private void checkSpace(long needed) throws IOException {
        Path existing = cache.folder().toAbsolutePath();
        while (existing != null && !Files.exists(existing)) {
            existing = existing.getParent();
        }
        if (existing == null) {
            return;
        }
        long free = Files.getFileStore(existing).getUsableSpace();
        if (needed > free) {
            throw new HubException(
                    HubException.Reason.FAILED,
                    reference.shortName() + " needs " + NeededFiles.size(needed) + ", " + existing + " has "
                            + NeededFiles.size(free)
                            + " free; make room, or set HF_HUB_CACHE to a folder on another disk");
        }
    }

    private void run(List<RepositoryFile> files) throws IOException {
        ExecutorCompletionService<Void> running = new ExecutorCompletionService<>(lanes);
        for (RepositoryFile file : files) {
            running.submit(() -> {
                fetchInto(file);
                return null;
            });
        }
        try {
            for (int i = 0; i < files.size(); i++) {
                running.take().get();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new java.io.InterruptedIOException("interrupted");
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException f -> throw f;
                case RuntimeException f -> throw f;
                case Error f -> throw f;
                default -> throw new IllegalStateException(e.getCause());
            }
        }
    }

    private void fetchInto(RepositoryFile file) throws IOException {
        Path blob = cache.blob(file.etag());
        try (BlobLock lock = BlobLock.take(cache.lock(file.etag()), file.name(), listener)) {
            boolean whole = Files.exists(blob) && (file.size() < 0 || Files.size(blob) == file.size());
            if (!whole) {
                new BlobDownload(client, policy, listener, this::add, reference, commit, file, blob).run();
            }
            cache.link(commit, file);
        }
    }

    private synchronized void add(String file, long bytes) {
        if (bytes < 0) {
            // Thrown away: that much more is to come.
            total -= bytes;
        } else {
            done += bytes;
            listener.progress(file, done, Math.max(done, total));
        }
    }

    @Override
    public void close() {
        lanes.shutdownNow();
        lanes.close();
    }

    /** Calls of several threads one at a time. */
    private record Serial(HubListener listener) implements HubListener {
        @Override
        public synchronized void progress(String file, long done, long total) {
            listener.progress(file, done, total);
        }

        @Override
        public synchronized void note(String message) {
            listener.note(message);
        }
    }
}
