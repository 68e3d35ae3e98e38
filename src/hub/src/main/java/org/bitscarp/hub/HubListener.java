package org.bitscarp.hub;

/** Hears how a fetch goes. Calls come one at a time, from several threads. */
public interface HubListener {
    /** Says nothing to nobody. */
    HubListener NONE = (file, done, total) -> {};

    /**
     * Bytes came in.
     *
     * @param file the one they belong to
     * @param done bytes of all files that this fetch has transferred
     * @param total bytes of all files that it has to transfer
     */
    void progress(String file, long done, long total);

    /** Something that the user should know: a repeated try, a wait for another process, files taken from the cache. */
    default void note(String message) {}
}
