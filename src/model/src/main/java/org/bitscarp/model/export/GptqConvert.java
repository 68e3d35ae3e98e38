package org.bitscarp.model.export;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.SafetensorsWriter;
import org.bitscarp.model.internal.ConfigFields;
import org.bitscarp.model.internal.HuggingFaceReader;
import org.bitscarp.model.internal.Json;
import org.bitscarp.model.internal.SafetensorsFiles;
import org.bitscarp.model.internal.packed.GptqZeroPoints;
import org.bitscarp.model.internal.packed.PackedSources;
import org.bitscarp.model.internal.weights.MappedFiles;
import tools.jackson.databind.node.ObjectNode;

/**
 * Rewrites a packed folder as one of GPTQ's, rounding nothing again. Of a GPTQ folder, zero points change by 1, every other
 * tensor is copied byte for byte, and the configuration says the new version. Where the old one said the wrong version, the zero points decide
 * as they do when the folder is read, so this also repairs such folders. Folders of AWQ and compressed-tensors are what
 * {@link GptqRepack} is for.
 */
public final class GptqConvert {
    private static final String QUANTIZE_CONFIG = "quantize_config.json";
    private static final long CHUNK = 64 << 20;

    private GptqConvert() {}

    /**
     * Writes {@code target}.
     *
     * @param source a Hugging Face folder with packed linear maps
     * @param target does not exist yet, or is an empty folder
     * @param version 1 or 2
     * @param program name and version, for the file
     * @throws ModelException for a source that is no such folder or cannot be moved into the layout, or a target that is in
     *     use
     */
    public static GptqSummary convert(Path source, Path target, int version, String program) throws IOException {
        if (version != 1 && version != 2) {
            throw new IllegalArgumentException("GPTQ files have version 1 or 2, found " + version);
        }
        Path configFile = source.resolve(HuggingFaceReader.CONFIG);
        ObjectNode config = Json.readObject(configFile, HuggingFaceReader.MAX_CONFIG_BYTES);
        Optional<String> method = PackedSources.method(configFile, new ConfigFields(configFile, "", config));
        if (method.isPresent() && !method.get().equals("gptq")) {
            try (Checkpoint checkpoint = Checkpoints.open(source)) {
                return GptqRepack.write(checkpoint, target, version, program);
            }
        }
        try (MappedFiles files = new MappedFiles()) {
            SafetensorsFiles tensors = HuggingFaceReader.openTensors(source, files);
            GptqZeroPoints zeros =
                    new GptqZeroPoints(configFile, new ConfigFields(configFile, "", config), tensors, files);
            if (tensors.located().stream()
                    .noneMatch(t -> GptqZeroPoints.holds(t.entry().name()))) {
                throw new ModelException(source + ": no tensor is called qzeros, so this is not a GPTQ folder");
            }
            try (HuggingFaceFolder folder = new HuggingFaceFolder(target)) {
                GptqSummary summary = weights(tensors, files, zeros, version, folder);
                if (config.path("quantization_config") instanceof ObjectNode quantization) {
                    say(quantization, version);
                }
                folder.json(HuggingFaceReader.CONFIG, config);
                Path beside = source.resolve(QUANTIZE_CONFIG);
                if (Files.exists(beside)) {
                    ObjectNode quantization = Json.readObject(beside, HuggingFaceReader.MAX_CONFIG_BYTES);
                    say(quantization, version);
                    folder.json(QUANTIZE_CONFIG, quantization);
                }
                Path index = source.resolve(HuggingFaceReader.INDEX);
                if (!Files.exists(source.resolve(HuggingFaceReader.SINGLE))) {
                    Files.copy(index, folder.file(HuggingFaceReader.INDEX));
                }
                folder.copyCompanions(source);
                folder.finish();
                return summary;
            }
        }
    }

    private static void say(ObjectNode quantization, int version) {
        String name = version == 1 ? "gptq" : "gptq_v2";
        quantization.put("checkpoint_format", name);
        if (quantization.has("format")) {
            quantization.put("format", name);
        }
    }

    private static GptqSummary weights(
            SafetensorsFiles tensors, MappedFiles files, GptqZeroPoints zeros, int version, HuggingFaceFolder folder)
            throws IOException {
        Map<Path, List<SafetensorsFiles.Located>> byFile = new LinkedHashMap<>();
        tensors.located()
                .forEach(t ->
                        byFile.computeIfAbsent(t.file(), f -> new ArrayList<>()).add(t));
        long bytes = 0;
        long wrapped = 0;
        int packed = 0;
        int copied = 0;
        for (Map.Entry<Path, List<SafetensorsFiles.Located>> shard : byFile.entrySet()) {
            Path file = folder.file(shard.getKey().getFileName().toString());
            List<SafetensorsWriter.Tensor> written = shard.getValue().stream()
                    .map(t -> new SafetensorsWriter.Tensor(
                            t.entry().name(), t.entry().type(), t.entry().shape()))
                    .toList();
            try (SafetensorsWriter writer = new SafetensorsWriter(file, written, tensors.metadata())) {
                for (SafetensorsFiles.Located tensor : shard.getValue()) {
                    if (GptqZeroPoints.holds(tensor.entry().name())) {
                        wrapped += convert(tensor, zeros, version, writer);
                        packed++;
                    } else {
                        copy(tensor, files, writer);
                        copied++;
                    }
                }
                writer.finish();
            }
            bytes += Files.size(file);
        }
        return new GptqSummary(byFile.size(), bytes, packed, copied, wrapped);
    }

    private static long convert(
            SafetensorsFiles.Located tensor, GptqZeroPoints zeros, int version, SafetensorsWriter writer)
            throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment changed =
                    arena.allocate(tensor.entry().end() - tensor.entry().begin(), 4);
            long wrapped = zeros.as(version, tensor, changed);
            writer.write(tensor.entry().name(), changed);
            return wrapped;
        }
    }

    private static void copy(SafetensorsFiles.Located tensor, MappedFiles files, SafetensorsWriter writer)
            throws IOException {
        long end = tensor.entry().end();
        for (long at = tensor.entry().begin(); at < end; at += CHUNK) {
            try (Arena arena = Arena.ofConfined()) {
                String name = tensor.entry().name();
                writer.write(name, files.map(tensor.file(), name, at, Math.min(CHUNK, end - at), arena));
            }
        }
    }
}
