package org.bitscarp.model;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Collection;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.bitscarp.model.internal.Hashes;

/**
 * A fingerprint of the weights that does not depend on the container, the number of shards or the order in a file:
 * SHA-256 over the sorted lines {@code name format shape sha256(bytes)}. Fed while a sweep reads the weights anyway.
 */
public final class ModelDigest {
    private static final class Progress {
        private MessageDigest digest;
        private long missing;
        private String line;
    }

    private final Map<TensorInfo, Progress> tensors = new LinkedHashMap<>();

    /** @param tensors what {@link #hex} waits for, usually {@link Checkpoint#weights()} */
    public ModelDigest(Collection<TensorInfo> tensors) {
        for (TensorInfo tensor : tensors) {
            Progress progress = new Progress();
            progress.digest = Hashes.sha256();
            progress.missing = tensor.byteSize();
            this.tensors.put(tensor, progress);
            finishIfComplete(tensor, progress);
        }
    }

    /**
     * Adds the next bytes of a tensor. Chunks of one tensor come in the order of their rows; tensors come in any order,
     * interleaved if need be, from any thread.
     *
     * @throws IllegalArgumentException for a tensor that is not waited for, or more bytes than it has
     */
    public void update(TensorInfo tensor, MemorySegment chunk) {
        Progress progress = tensors.get(tensor);
        if (progress == null) {
            throw new IllegalArgumentException("tensor " + tensor.name() + " is not part of this digest");
        }
        synchronized (progress) {
            update(tensor, progress, chunk);
        }
    }

    private static void update(TensorInfo tensor, Progress progress, MemorySegment chunk) {
        if (chunk.byteSize() > progress.missing) {
            throw new IllegalArgumentException("tensor " + tensor.name() + ": " + chunk.byteSize()
                    + " bytes more, but only " + progress.missing + " of its " + tensor.byteSize() + " were missing");
        }
        for (long at = 0; at < chunk.byteSize(); at += 1 << 30) {
            progress.digest.update(
                    chunk.asSlice(at, Math.min(1 << 30, chunk.byteSize() - at)).asByteBuffer());
        }
        progress.missing -= chunk.byteSize();
        if (chunk.byteSize() > 0) {
            finishIfComplete(tensor, progress);
        }
    }

    private static void finishIfComplete(TensorInfo tensor, Progress progress) {
        if (progress.missing == 0) {
            progress.line = tensor.name() + " " + tensor.format().name() + " " + tensor.shape() + " "
                    + HexFormat.of().formatHex(progress.digest.digest()) + "\n";
            progress.digest = null;
        }
    }

    /** Whether every byte of every tensor was seen. */
    public synchronized boolean complete() {
        return tensors.values().stream().allMatch(p -> p.line != null);
    }

    /**
     * The fingerprint, lower-case hex.
     *
     * @throws IllegalStateException before every byte of every tensor was seen
     */
    public synchronized String hex() {
        for (Map.Entry<TensorInfo, Progress> tensor : tensors.entrySet()) {
            if (tensor.getValue().line == null) {
                throw new IllegalStateException("tensor " + tensor.getKey().name() + ": " + tensor.getValue().missing
                        + " bytes have not been seen");
            }
        }
        String lines = tensors.values().stream().map(p -> p.line).sorted().collect(Collectors.joining());
        return Hashes.sha256(lines.getBytes(StandardCharsets.UTF_8));
    }
}
