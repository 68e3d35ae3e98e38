package org.bitscarp.model;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.bitscarp.model.internal.Hashes;

/**
 * A fingerprint of a model's weights that does not depend on the container, on how values are stored or on the order in a
 * file: SHA-256 over the sorted lines {@code role layer shape sha256(values as little-endian fp32)}. The same model as
 * Hugging Face folder and as F32 GGUF has the same one. Fed while a sweep reads the weights anyway.
 */
public final class ModelDigest {
    /** Values that {@link #of} reads at a time. */
    private static final long CHUNK = 1 << 20;

    private record Key(TensorRole role, int layer) {
        Key {
            layer = role.inLayer() ? layer : 0;
        }
    }

    private static final class Progress {
        private final List<Long> shape;
        private MessageDigest digest = Hashes.sha256();
        private long missing;
        private String line;

        Progress(List<Long> shape) {
            this.shape = shape;
            missing = shape.stream().reduce(4L, Math::multiplyExact);
        }
    }

    private final Map<Key, Progress> weights = new LinkedHashMap<>();

    /** @param checkpoint whose weights {@link #hex} waits for, all of them */
    public ModelDigest(Checkpoint checkpoint) {
        for (TensorRole role : TensorRole.values()) {
            for (int layer = 0; layer < (role.inLayer() ? checkpoint.spec().layers() : 1); layer++) {
                Key key = new Key(role, layer);
                checkpoint.weight(role, layer).ifPresent(w -> {
                    Progress progress = new Progress(w.shape());
                    weights.put(key, progress);
                    finishIfComplete(key, progress);
                });
            }
        }
    }

    /** Reads all weights of a model for their digest alone. */
    public static String of(Checkpoint checkpoint) throws IOException {
        ModelDigest digest = new ModelDigest(checkpoint);
        for (Key key : digest.weights.keySet()) {
            Weight weight = checkpoint.weight(key.role, key.layer).orElseThrow();
            long step = Math.clamp(CHUNK / Math.max(1, weight.columns()), 1, Math.max(1, weight.rows()));
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment chunk = arena.allocate(4 * step * weight.columns(), 64);
                for (long row = 0; row < weight.rows(); row += step) {
                    long n = Math.min(step, weight.rows() - row);
                    weight.read(row, n, chunk, 0);
                    digest.update(key.role, key.layer, chunk.asSlice(0, 4 * n * weight.columns()));
                }
            }
        }
        return digest.hex();
    }

    /**
     * Adds the next values of a weight, little-endian fp32. Chunks of one weight come in the order of their rows; weights
     * come in any order, interleaved if need be, from any thread.
     *
     * @throws IllegalArgumentException for a weight that is not waited for, or more values than it has
     */
    public void update(TensorRole role, int layer, MemorySegment values) {
        Key key = new Key(role, layer);
        Progress progress = weights.get(key);
        if (progress == null) {
            throw new IllegalArgumentException(role + " of layer " + layer + " is not part of this digest");
        }
        synchronized (progress) {
            update(key, progress, values);
        }
    }

    private static void update(Key key, Progress progress, MemorySegment chunk) {
        if (chunk.byteSize() > progress.missing) {
            throw new IllegalArgumentException(key.role + " of layer " + key.layer + ": " + chunk.byteSize()
                    + " bytes more, but only " + progress.missing + " were missing of shape " + progress.shape);
        }
        for (long at = 0; at < chunk.byteSize(); at += 1 << 30) {
            progress.digest.update(
                    chunk.asSlice(at, Math.min(1 << 30, chunk.byteSize() - at)).asByteBuffer());
        }
        progress.missing -= chunk.byteSize();
        if (chunk.byteSize() > 0) {
            finishIfComplete(key, progress);
        }
    }

    private static void finishIfComplete(Key key, Progress progress) {
        if (progress.missing == 0) {
            progress.line = prefix(key, progress) + HexFormat.of().formatHex(progress.digest.digest()) + "\n";
            progress.digest = null;
        }
    }

    /**
     * The lines of weights that were seen whole, for {@link #resume}.
     *
     * @param layers of later layers there are none, though some may have been seen already
     */
    public synchronized List<String> finished(int layers) {
        return weights.entrySet().stream()
                .filter(e -> !e.getKey().role.inLayer() || e.getKey().layer < layers)
                .map(Map.Entry::getValue)
                .filter(p -> p.line != null)
                .map(p -> p.line.strip())
                .sorted()
                .toList();
    }

    /**
     * Takes weights as seen that an earlier digest of the same model had {@link #finished}.
     *
     * @throws IllegalArgumentException for a weight that is not waited for, or of another shape
     */
    public synchronized void resume(List<String> finished) {
        for (String line : finished) {
            Map.Entry<Key, Progress> weight = weights.entrySet().stream()
                    .filter(e -> line.startsWith(prefix(e.getKey(), e.getValue())))
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException("\"" + line + "\" is not part of this digest"));
            weight.getValue().line = line + "\n";
            weight.getValue().missing = 0;
            weight.getValue().digest = null;
        }
    }

    private static String prefix(Key key, Progress progress) {
        return key.role + " " + key.layer + " " + progress.shape + " ";
    }

    /** Whether every value of every weight was seen. */
    public synchronized boolean complete() {
        return weights.values().stream().allMatch(p -> p.line != null);
    }

    /**
     * The fingerprint, lower-case hex.
     *
     * @throws IllegalStateException before every value of every weight was seen
     */
    public synchronized String hex() {
        for (Map.Entry<Key, Progress> weight : weights.entrySet()) {
            if (weight.getValue().line == null) {
                throw new IllegalStateException(weight.getKey().role + " of layer " + weight.getKey().layer + ": "
                        + weight.getValue().missing + " bytes have not been seen");
            }
        }
        String lines = weights.values().stream().map(p -> p.line).sorted().collect(Collectors.joining());
        return Hashes.sha256(lines.getBytes(StandardCharsets.UTF_8));
    }
}
