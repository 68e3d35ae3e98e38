package org.bitscarp.model.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TensorInfo;
import org.bitscarp.model.internal.architectures.Architecture;
import org.bitscarp.model.internal.architectures.Architectures;
import org.bitscarp.model.internal.packed.PackedSources;
import org.bitscarp.model.internal.weights.MappedFiles;

/** A folder as the transformers library writes it: {@code config.json}, safetensors in one file or in shards. */
public final class HuggingFaceReader implements CheckpointReader {
    /** What the model is. */
    public static final String CONFIG = "config.json";
    /** A larger {@code config.json} is none. */
    public static final long MAX_CONFIG_BYTES = 8 << 20;
    /** Weights in one file. */
    public static final String SINGLE = "model.safetensors";
    /** Weights in shards: which tensor is where. */
    public static final String INDEX = "model.safetensors.index.json";

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
        ConfigFields config = new ConfigFields(configFile, "", Json.readObject(configFile, MAX_CONFIG_BYTES));
        Architecture.Model model = rounded(config, Architectures.read(config));
        MappedFiles files = new MappedFiles();
        try {
            SafetensorsFiles tensors = openTensors(folder, files);
            LinearSource linears =
                    PackedSources.of(configFile, config, tensors, files, new PlainLinears(configFile, tensors, files));
            return new MappedCheckpoint(
                    folder,
                    "Hugging Face safetensors",
                    model.spec(),
                    numeric(tensors),
                    new LayoutWeights(configFile, model, tensors, files, linears).roles(),
                    files,
                    () -> HuggingFaceTokenizers.openFolder(folder));
        } catch (IOException | RuntimeException | Error e) {
            files.close();
            throw e;
        }
    }

    /** BitNet's linear maps round their input to 8 bits, whatever the architecture (transformers' {@code BitLinear}). */
    private static Architecture.Model rounded(ConfigFields config, Architecture.Model model) throws ModelException {
        Optional<ConfigFields> quantization = config.object("quantization_config");
        boolean bitnet = quantization.isPresent()
                && quantization.get().string("quant_method").orElse("").equals("bitnet");
        return bitnet ? new Architecture.Model(model.spec().withActivationBits(8), model.layout()) : model;
    }

    /**
     * The tensors of a folder, headers checked. A single file wins over an index, as in transformers.
     *
     * @param files keeps the files open
     */
    public static SafetensorsFiles openTensors(Path folder, MappedFiles files) throws IOException {
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
