package org.bitscarp.hub;

import java.util.List;

/**
 * Which files of a repository are wanted.
 *
 * @param include patterns; empty for the files that a model needs, or the one that the reference names
 * @param exclude patterns of files to leave out all the same
 */
public record FileChoice(List<String> include, List<String> exclude) {
    /** The files that a model needs. */
    public static final FileChoice NEEDED = new FileChoice(List.of(), List.of());

    public FileChoice {
        include = List.copyOf(include);
        exclude = List.copyOf(exclude);
    }
}
