package org.bitscarp.hub;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * One repository in the cache that Hugging Face's tools share
 * (https://huggingface.co/docs/huggingface_hub/guides/manage-cache):
 *
 * <pre>
 * models--owner--name/refs/main                      the commit that a branch or tag was last seen at
 * models--owner--name/blobs/ETAG                     contents by checksum
 * models--owner--name/snapshots/COMMIT/config.json   symbolic link to ../../blobs/ETAG
 * .locks/models--owner--name/ETAG.lock               held while a blob is made
 * </pre>
 */
final class HubCache {
    private final Path folder;
    private final Path locks;

    HubCache(Path cache, HubReference reference) {
        String name = reference.kind().plural() + "--" + reference.repository().replace("/", "--");
        this.folder = cache.resolve(name);
        this.locks = cache.resolve(".locks").resolve(name);
    }

    /** Tells backup programs that all this can be fetched again (https://bford.info/cachedir/). */
    static void tag(Path cache) throws IOException {
        Files.createDirectories(cache);
        Path tag = cache.resolve("CACHEDIR.TAG");
        if (!Files.exists(tag)) {
            Files.writeString(
                    tag,
                    "Signature: 8a477f597d28d172789f06886806bc55\n"
                            + "# This folder is a cache of files from a Hugging Face hub.\n");
        }
    }

    Path folder() {
        return folder;
    }

    Path blob(String etag) {
        return folder.resolve("blobs").resolve(etag);
    }

    Path lock(String etag) {
        return locks.resolve(etag + ".lock");
    }

    Path snapshot(String commit) {
        return folder.resolve("snapshots").resolve(commit);
    }

    /** Where a file of a commit lies, whether or not it is there. */
    Path file(String commit, String name) throws HubException {
        Path snapshot = snapshot(commit);
        Path file = snapshot.resolve(FileNames.check(name, "cache")).normalize();
        if (!file.startsWith(snapshot.normalize())) {
            throw new HubException(HubException.Reason.FAILED, "the file name \"" + name + "\" leads out of the cache");
        }
        return file;
    }

    /** Whether a file is there with its size, as far as that is known. */
    boolean has(String commit, RepositoryFile file) throws IOException {
        Path path = file(commit, file.name());
        return Files.isRegularFile(path) && (file.size() < 0 || Files.size(path) == file.size());
    }

    /** The commit of a revision as last seen; empty when it never was. */
    Optional<String> commit(HubReference reference) throws IOException {
        if (reference.pinned()) {
            return Optional.of(reference.revision());
        }
        Path ref = folder.resolve("refs").resolve(reference.revision());
        if (!Files.isRegularFile(ref) || Files.size(ref) > 100) {
            return Optional.empty();
        }
        return Optional.of(Files.readString(ref).strip()).filter(HubReference::isCommit);
    }

    /** Notes the commit of a branch or tag. */
    void remember(HubReference reference, String commit) throws IOException {
        if (reference.pinned() || commit(reference).filter(commit::equals).isPresent()) {
            return;
        }
        Path ref = folder.resolve("refs").resolve(reference.revision());
        Files.createDirectories(ref.getParent());
        // Not a temporary file of the JDK: those nobody else may read, and a cache can be shared.
        Path temporary = ref.resolveSibling(
                "." + ref.getFileName() + "." + ProcessHandle.current().pid() + ".tmp");
        Files.write(temporary, commit.getBytes(StandardCharsets.US_ASCII));
        Files.move(temporary, ref, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }

    /** What is there of a commit; sizes are those on disk, checksums are not known. */
    Listing present(String commit) throws IOException {
        Path snapshot = snapshot(commit);
        List<RepositoryFile> files = new ArrayList<>();
        if (Files.isDirectory(snapshot)) {
            try (Stream<Path> walk = Files.walk(snapshot, FileVisitOption.FOLLOW_LINKS)) {
                for (Path path :
                        (Iterable<Path>) walk.filter(Files::isRegularFile).sorted()::iterator) {
                    String name = snapshot.relativize(path).toString().replace('\\', '/');
                    files.add(new RepositoryFile(name, Files.size(path), ""));
                }
            } catch (java.io.UncheckedIOException e) {
                throw e.getCause();
            }
        }
        return new Listing(commit, files);
    }

    /**
     * Makes a file of a commit from a blob that is there: a relative symbolic link, so that the cache can be moved; where
     * the system has none (or does not let the user make them), a hard link, else a copy.
     */
    void link(String commit, RepositoryFile file) throws IOException {
        Path path = file(commit, file.name());
        Path blob = blob(file.etag());
        Files.createDirectories(path.getParent());
        if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            Files.delete(path);
        }
        try {
            Files.createSymbolicLink(path, path.getParent().relativize(blob));
        } catch (FileAlreadyExistsException e) {
            // Another process was faster, with the same blob.
        } catch (IOException | UnsupportedOperationException e) {
            try {
                Files.createLink(path, blob);
            } catch (IOException | UnsupportedOperationException f) {
                Files.copy(blob, path, StandardCopyOption.REPLACE_EXISTING);
            }
        }
    }
}
