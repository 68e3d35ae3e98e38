package org.bitscarp.hub;

/**
 * A file of a repository at a commit.
 *
 * @param name path in the repository, checked to be a safe relative path
 * @param size bytes; −1 where the hub does not say
 * @param etag name of the content: SHA-256 of a large file or the git blob hash of a small one, in hex; empty where the
 *     hub has not said yet
 */
public record RepositoryFile(String name, long size, String etag) {
    /** The part of the name behind the last slash. */
    String baseName() {
        return name.substring(name.lastIndexOf('/') + 1);
    }
}
