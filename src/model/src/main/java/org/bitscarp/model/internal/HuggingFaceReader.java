package org.bitscarp.model.internal;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TensorInfo;

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
        Map<Path, FileChannel> files = new LinkedHashMap<>();
        try {
            SafetensorsFiles tensors = openTensors(folder, files);
            return new MappedCheckpoint(
                    folder,
                    "Hugging Face safetensors",
                    config.spec(),
                    numeric(tensors),
                    new LlamaTensors(configFile, config, tensors).roles(),
                    files,
                    () -> HuggingFaceTokenizers.open(folder, config.bosToken()));
        } catch (IOException | RuntimeException | Error e) {
            MappedCheckpoint.closeAll(files);
            throw e;
        }
    }

    /** A single file wins over an index, as in transformers. */
    private static SafetensorsFiles openTensors(Path folder, Map<Path, FileChannel> files) throws IOException {
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

    private static SafetensorsHeader openHeader(Path file, Map<Path, FileChannel> files) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new ModelException(file + ": expected a file, found a folder");
        }
        FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
        files.put(file, channel);
        return SafetensorsHeader.read(file, channel);
    }

    private static List<TensorInfo> numeric(SafetensorsFiles tensors) {
        List<TensorInfo> infos = new ArrayList<>();
        tensors.located().forEach(located -> located.info().ifPresent(infos::add));
        return infos;
    }
}
