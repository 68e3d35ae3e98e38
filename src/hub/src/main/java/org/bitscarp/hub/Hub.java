package org.bitscarp.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Files of a hub through the local cache: from a reference to a path. */
public final class Hub implements AutoCloseable {
    private final HubSettings settings;
    private final RetryPolicy policy;
    private final HubClient client;

    public Hub(HubSettings settings) {
        this(settings, RetryPolicy.STANDARD);
    }

    Hub(HubSettings settings, RetryPolicy policy) {
        this.settings = settings;
        this.policy = policy;
        this.client = new HubClient(settings);
    }

    /**
     * Brings the files into the cache that are not there yet.
     *
     * <p>A commit whose files are all cached, and anything in offline mode, is served without network. A branch or tag is
     * looked up; when the hub does not answer or refuses, what it was last seen at serves, with a note in the result.
     *
     * @throws HubException when the files cannot be had
     */
    public Snapshot fetch(HubReference reference, FileChoice choice, HubListener listener) throws IOException {
        HubCache cache = new HubCache(settings.cache().toAbsolutePath().normalize(), reference);
        if (settings.offline()) {
            return cached(cache, reference, choice, "HF_HUB_OFFLINE is set");
        }
        if (reference.pinned() && choice.include().isEmpty()) {
            Optional<Snapshot> complete = ifCached(cache, reference, choice, "");
            if (complete.isPresent()) {
                return complete.get();
            }
        }
        Listing listing;
        try {
            // Where something is cached, nobody has to wait long for a hub that does not answer.
            boolean known = cache.commit(reference).isPresent();
            RetryPolicy patience = known
                    ? new RetryPolicy(Math.min(2, policy.attempts()), policy.first(), policy.longest(), policy.stall())
                    : policy;
            boolean oneFile = reference.kind() == HubReference.Kind.DATASET
                    && !reference.path().isEmpty()
                    && choice.include().isEmpty();
            // A data set can have 100,000 files, so a single one is not looked for in the list of all.
            listing = oneFile
                    ? client.describe(reference, reference.path(), patience, listener)
                    : client.list(reference, patience, listener);
        } catch (HubException e) {
            boolean passing = e.reason() == HubException.Reason.UNREACHABLE || e.reason() == HubException.Reason.DENIED;
            Optional<Snapshot> complete =
                    passing ? ifCached(cache, reference, choice, e.getMessage()) : Optional.empty();
            return complete.orElseThrow(() -> e);
        }
        try (Transfers transfers = new Transfers(client, policy, listener, cache, reference, listing.commit())) {
            List<RepositoryFile> files = new NeededFiles(reference, listing, transfers::fetchOne).choose(choice);
            long bytes = transfers.fetch(files);
            remember(cache, reference, listing.commit(), listener);
            return new Snapshot(
                    reference, listing.commit(), path(cache, reference, listing.commit()), files, bytes, "");
        }
    }

    /** Only after the files: until then, an earlier commit that is complete serves when there is no network. */
    private static void remember(HubCache cache, HubReference reference, String commit, HubListener listener) {
        try {
            cache.remember(reference, commit);
        } catch (IOException e) {
            listener.note("cannot note in " + cache.folder() + " what " + reference.revision() + " stands for: "
                    + e.getMessage());
        }
    }

    private static Path path(HubCache cache, HubReference reference, String commit) throws HubException {
        return reference.path().isEmpty() ? cache.snapshot(commit) : cache.file(commit, reference.path());
    }

    private Optional<Snapshot> ifCached(HubCache cache, HubReference reference, FileChoice choice, String note)
            throws IOException {
        try {
            return Optional.of(cached(cache, reference, choice, note));
        } catch (HubException e) {
            return Optional.empty();
        }
    }

    /** From the cache alone. */
    private Snapshot cached(HubCache cache, HubReference reference, FileChoice choice, String note) throws IOException {
        Optional<String> commit = cache.commit(reference);
        if (commit.isEmpty() || !Files.isDirectory(cache.snapshot(commit.get()))) {
            throw new HubException(
                    HubException.Reason.NOT_FOUND,
                    reference.shortName() + " at " + reference.revision() + " is not in the cache " + settings.cache()
                            + (note.isEmpty() ? "" : " and " + note) + "; fetch it with network first");
        }
        List<RepositoryFile> files;
        try {
            files = new NeededFiles(reference, cache.present(commit.get()), f -> cache.file(commit.get(), f.name()))
                    .choose(choice);
        } catch (HubException e) {
            throw new HubException(
                    HubException.Reason.NOT_FOUND,
                    "not all of it is in the cache " + cache.folder() + (note.isEmpty() ? "" : " (" + note + ")") + ": "
                            + e.getMessage(),
                    e);
        }
        return new Snapshot(reference, commit.get(), path(cache, reference, commit.get()), files, 0, note);
    }

    @Override
    public void close() {
        client.close();
    }
}
