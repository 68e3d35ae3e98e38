package org.bitscarp.hub;

import java.util.List;
import java.util.Optional;

/**
 * What a repository holds at a commit.
 *
 * @param commit 40 hex digits
 * @param files all files that are known
 */
record Listing(String commit, List<RepositoryFile> files) {
    Optional<RepositoryFile> find(String name) {
        return files.stream().filter(f -> f.name().equals(name)).findFirst();
    }
}
