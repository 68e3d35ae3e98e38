package org.bitscarp.model.internal.gguf;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TensorInfo;
import org.bitscarp.model.internal.CheckpointReader;
import org.bitscarp.model.internal.MappedCheckpoint;
import org.bitscarp.model.internal.weights.MappedFiles;

/** One GGUF file with a model of one of the {@link GgufFamilies}. */
public final class GgufReader implements CheckpointReader {
    private static final String SPLIT_COUNT = "split.count";

    @Override
    public String looksFor() {
        return "a GGUF file (.gguf, or a folder with one)";
    }

    @Override
    public boolean probe(Path path) throws IOException {
        return Files.isDirectory(path) ? filesIn(path).size() == 1 : Files.isRegularFile(path) && isGguf(path);
    }

    private static List<Path> filesIn(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(Files::isRegularFile)
                    .filter(GgufReader::isGguf)
                    .limit(2)
                    .toList();
        }
    }

    private static boolean isGguf(Path file) {
        return file.getFileName().toString().endsWith(".gguf");
    }

    @Override
    public Checkpoint open(Path path) throws IOException {
        Path file = Files.isDirectory(path) ? filesIn(path).getFirst() : path;
        MappedFiles files = new MappedFiles();
        try {
            FileChannel channel = files.open(file);
            GgufHeader header = GgufHeader.read(file, channel);
            GgufMetadata metadata = header.metadata();
            long parts = metadata.integerOr(SPLIT_COUNT, 1, 0, 1 << 16);
            if (parts > 1) {
                throw new ModelException(
                        file + ": one of " + parts + " parts of a split model; join them with llama.cpp:"
                                + " llama-gguf-split --merge FIRST_PART NEW_FILE");
            }
            GgufFamily family = GgufSpec.family(header);
            DecoderSpec spec = GgufSpec.read(header, channel, family);
            GgufTensors tensors = new GgufTensors(header, channel, family, spec, files);
            return new MappedCheckpoint(
                    file,
                    "GGUF",
                    spec,
                    numeric(header),
                    tensors.roles(),
                    files,
                    () -> GgufTokenizers.open(metadata, spec.vocabulary()));
        } catch (IOException | RuntimeException | Error e) {
            files.close();
            throw e;
        }
    }

    private static List<TensorInfo> numeric(GgufHeader header) {
        List<TensorInfo> infos = new ArrayList<>();
        for (GgufHeader.Tensor tensor : header.tensors().values()) {
            tensor.type().format().ifPresent(format -> infos.add(GgufTensors.info(header.file(), tensor, format)));
        }
        return infos;
    }
}
