package org.bitscarp.model.internal;

import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.SafetensorsType;
import org.bitscarp.model.TensorInfo;

/** The tensors of one file or of all shards, by name. */
public final class SafetensorsFiles {
    /** A tensor and its file. */
    public record Located(Path file, SafetensorsHeader.Entry entry) {
        /** Empty for a type that no weight can have. */
        public Optional<TensorInfo> info() {
            return entry.type()
                    .format()
                    .map(format -> new TensorInfo(entry.name(), format, entry.shape(), file, entry.begin()));
        }

        /**
         * The tensor as one that a weight can be.
         *
         * @throws ModelException where its type is none for weights
         */
        public TensorInfo numbers() throws ModelException {
            return info().orElseThrow(() -> new ModelException(
                    this + " is " + entry.type() + "; supported for weights: " + SafetensorsType.FOR_WEIGHTS));
        }

        /** As messages begin: file and tensor. */
        @Override
        public String toString() {
            return file + ": tensor " + entry.name();
        }
    }

    private final Map<String, Located> byName = new LinkedHashMap<>();

    /**
     * Names that a file does not hold because another tensor shares their bytes: {@code safetensors.torch.save_model}
     * notes such a pair in the metadata as dropped name → kept name.
     */
    private final Map<String, String> aliases = new HashMap<>();

    void add(Path file, SafetensorsHeader header) throws ModelException {
        for (SafetensorsHeader.Entry entry : header.tensors()) {
            Located other = byName.put(entry.name(), new Located(file, entry));
            if (other != null) {
                throw new ModelException(file + ": tensor " + entry.name() + " is also in "
                        + other.file().getFileName());
            }
        }
        aliases.putAll(header.metadata());
    }

    /** Every tensor of the index must be where the index says. */
    void checkAgainst(Path index, ShardIndex shards) throws ModelException {
        for (Map.Entry<String, String> expected : shards.weightMap().entrySet()) {
            Located found = byName.get(expected.getKey());
            if (found == null || !found.file().getFileName().toString().equals(expected.getValue())) {
                throw new ModelException(index + ": tensor " + expected.getKey() + " should be in "
                        + expected.getValue() + ", found "
                        + (found == null ? "in no shard" : "in " + found.file().getFileName()));
            }
        }
    }

    public Collection<Located> located() {
        return byName.values();
    }

    /** The metadata of all headers. */
    public Map<String, String> metadata() {
        return Map.copyOf(aliases);
    }

    /** The tensor of a name, or the one that it shares its bytes with. */
    public Optional<Located> find(String name) {
        Located located = byName.get(name);
        if (located == null && aliases.containsKey(name)) {
            located = byName.get(aliases.get(name));
        }
        return Optional.ofNullable(located);
    }

    public int size() {
        return byName.size();
    }
}
