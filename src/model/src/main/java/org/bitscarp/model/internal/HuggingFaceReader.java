package org.bitscarp.model.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TensorInfo;
import org.bitscarp.model.internal.packed.PackedSources;
import org.bitscarp.model.internal.weights.MappedFiles;

/** A folder as the transformers library writes it: {@code config.json}, safetensors in one file or in shards. */
public final class HuggingFaceReader implements CheckpointReader {
    static final String CONFIG = "config.json";
    static final String SINGLE = "model.safetensors";
    static final String INDEX = "model.safetensors.index.json";

    @Override
    public String looksFor() {
        return "a Hugging Face folder (" + CONFIG + " with " + SINGLE + " or " + INDEX + ")";
    }

    @Override
    public boolean probe(Path path) {
        return Files.isRegularFile(folder(path).resolve(CONFIG))
                && (Files.isDirectory(path) || path.toString().endsWith(".safetensors"));
    }

    private static Path folder(Path path) {
        return Files.isDirectory(path)
                ? path
                : path.toAbsolutePath().normalize().getParent();
    }

    @Override
    public Checkpoint open(Path path) throws IOException {
        Path folder = folder(path);
        Path configFile = folder.resolve(CONFIG);
        LlamaConfig config = LlamaConfig.read(configFile);
        MappedFiles files = new MappedFiles();
        try {
            SafetensorsFiles tensors = openTensors(folder, files);
            LinearSource linears = PackedSources.of(
                    configFile,
                    new ConfigFields(configFile, "", Json.readObject(configFile, LlamaConfig.MAX_BYTES)),
                    tensors,
                    files,
                    new PlainLinears(configFile, tensors, files));
            return new MappedCheckpoint(
                    folder,
                    "Hugging Face safetensors",
                    config.spec(),
                    numeric(tensors),
                    new LlamaTensors(configFile, config, tensors, files, linears).roles(),
                    files,
                    () -> HuggingFaceTokenizers.open(folder, config.bosToken()));
        } catch (IOException | RuntimeException | Error e) {
            files.close();
            throw e;
        }
    }

    /** A single file wins over an index, as in transformers. */
    private static SafetensorsFiles openTensors(Path folder, MappedFiles files) throws IOException {
        Path single = folder.resolve(SINGLE);
        Path index = folder.resolve(INDEX);
        SafetensorsFiles tensors = new SafetensorsFiles();
        if (Files.exists(single)) {
            tensors.add(single, openHeader(single, files));
        } else if (Files.exists(index)) {
            ShardIndex shards = ShardIndex.read(index);
            for (String shard : shards.shards()) {
                Path file = folder.resolve(shard);
                if (!Files.isRegularFile(file)) {
                    throw new ModelException(file + ": listed in " + INDEX + " but not in the folder; download it");
                }
                tensors.add(file, openHeader(file, files));
            }
            tensors.checkAgainst(index, shards);
        } else {
            throw new ModelException(folder + ": has " + CONFIG + " but neither " + SINGLE + " nor " + INDEX
                    + " (weights in .bin or .pth files must be converted to safetensors first)");
        }
        return tensors;
    }

    private static SafetensorsHeader openHeader(Path file, MappedFiles files) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new ModelException(file + ": expected a file, found a folder");
        }
        return SafetensorsHeader.read(file, files.open(file));
    }

    private static List<TensorInfo> numeric(SafetensorsFiles tensors) {
        List<TensorInfo> infos = new ArrayList<>();
        tensors.located().forEach(located -> located.info().ifPresent(infos::add));
        return infos;
    }
}
