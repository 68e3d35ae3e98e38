package org.bitscarp.hub;

import java.nio.file.Path;
import java.util.List;

/**
 * What a fetch left on disk.
 *
 * @param reference as asked for
 * @param commit that the revision stands for
 * @param path the file or folder that the reference names
 * @param files chosen files; all of them lie in the cache
 * @param downloaded bytes that were transferred
 * @param note why the hub was not asked, for the user; empty when it was, or when there was nothing to ask
 */
public record Snapshot(
        HubReference reference, String commit, Path path, List<RepositoryFile> files, long downloaded, String note) {}
