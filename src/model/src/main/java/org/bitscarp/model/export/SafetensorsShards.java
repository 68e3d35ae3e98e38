package org.bitscarp.model.export;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.bitscarp.model.SafetensorsWriter;
import org.bitscarp.model.internal.HuggingFaceReader;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The weights of a Hugging Face folder: {@code model.safetensors}, or shards with an index where they are larger than
 * one file shall be.
 */
final class SafetensorsShards {
    /** The limit of transformers' {@code save_pretrained}: decimal gigabytes. */
    static final long SHARD_BYTES = 5_000_000_000L;

    /** Tensors that are written together. */
    interface Unit {
        List<SafetensorsWriter.Tensor> tensors();

        void write(SafetensorsWriter writer) throws IOException;
    }

    /** @param bytes size of all files together, without the index */
    record Written(int files, long bytes) {}

    private final List<? extends Unit> units;
    private final long shardBytes;

    /** @param shardBytes size of a file's tensors; a single unit may be larger */
    SafetensorsShards(List<? extends Unit> units, long shardBytes) {
        this.units = units;
        this.shardBytes = shardBytes;
    }

    Written write(HuggingFaceFolder folder) throws IOException {
        List<List<Unit>> shards = shards();
        Map<String, String> fileOf = new LinkedHashMap<>();
        long bytes = 0;
        for (int i = 0; i < shards.size(); i++) {
            String name = shards.size() == 1
                    ? HuggingFaceReader.SINGLE
                    : String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", i + 1, shards.size());
            List<SafetensorsWriter.Tensor> tensors = shards.get(i).stream()
                    .flatMap(unit -> unit.tensors().stream())
                    .toList();
            try (SafetensorsWriter writer = new SafetensorsWriter(folder.file(name), tensors, Map.of("format", "pt"))) {
                for (Unit unit : shards.get(i)) {
                    unit.write(writer);
                }
                writer.finish();
            }
            tensors.forEach(tensor -> fileOf.put(tensor.name(), name));
            bytes += Files.size(folder.file(name));
        }
        if (shards.size() > 1) {
            folder.json(HuggingFaceReader.INDEX, index(fileOf));
        }
        return new Written(shards.size(), bytes);
    }

    private List<List<Unit>> shards() {
        List<List<Unit>> shards = new ArrayList<>(List.of(new ArrayList<>()));
        long held = 0;
        for (Unit unit : units) {
            long bytes = bytes(unit);
            if (held > 0 && held + bytes > shardBytes) {
                shards.add(new ArrayList<>());
                held = 0;
            }
            shards.getLast().add(unit);
            held += bytes;
        }
        return shards;
    }

    private static long bytes(Unit unit) {
        return unit.tensors().stream()
                .mapToLong(SafetensorsWriter.Tensor::byteSize)
                .sum();
    }

    private ObjectNode index(Map<String, String> fileOf) {
        ObjectNode index = JsonMapper.shared().createObjectNode();
        index.putObject("metadata")
                .put(
                        "total_size",
                        units.stream().mapToLong(SafetensorsShards::bytes).sum());
        ObjectNode map = index.putObject("weight_map");
        fileOf.forEach(map::put);
        return index;
    }
}
