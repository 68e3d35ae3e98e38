package org.bitscarp.model.internal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.Rope;
import org.bitscarp.model.TensorInfo;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.model.internal.weights.MappedFiles;
import org.bitscarp.model.internal.weights.RowOrder;
import org.bitscarp.model.internal.weights.StoredWeight;
import org.bitscarp.quant.NumberFormat;

/**
 * The first ("version 0") checkpoint format of <a href="https://github.com/karpathy/llama2.c">llama2.c</a>: seven
 * little-endian int32 (dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size, seq_len), then fp32 arrays without
 * names. A negative vocab_size says that the output projection is stored and not shared with the embedding.
 */
public final class Llama2cReader implements CheckpointReader {
    private static final int HEADER_BYTES = 28;

    /** "ak42": begins the later versions of the format, which have another header. */
    private static final int LATER_VERSIONS = 0x616b3432;

    private static final int MAX_WIDTH = 1 << 20;
    private static final int MAX_LAYERS = 10_000;

    /** {@code 1e-5f} in llama2.c's {@code rmsnorm}. */
    private static final float NORM_EPSILON = 1e-5f;

    /** {@code 10000.0f} in llama2.c's rotary embedding. */
    private static final double ROPE_THETA = 10_000;

    @Override
    public String looksFor() {
        return "a llama2.c checkpoint (one .bin file)";
    }

    @Override
    public boolean probe(Path path) throws IOException {
        return Files.isDirectory(path)
                ? checkpointsIn(path).size() == 1
                : Files.isRegularFile(path) && isCheckpoint(path);
    }

    private static List<Path> checkpointsIn(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(Files::isRegularFile)
                    .filter(Llama2cReader::isCheckpoint)
                    .limit(2)
                    .toList();
        }
    }

    private static boolean isCheckpoint(Path file) {
        String name = file.getFileName().toString();
        return name.endsWith(".bin") && !name.matches("tok(enizer|\\d+)\\.bin") && !name.startsWith("pytorch_model");
    }

    @Override
    public Checkpoint open(Path path) throws IOException {
        Path file = Files.isDirectory(path) ? checkpointsIn(path).getFirst() : path;
        MappedFiles files = new MappedFiles();
        try {
            return new Layout(file, files).checkpoint();
        } catch (IOException | RuntimeException | Error e) {
            files.close();
            throw e;
        }
    }

    /** Walks the arrays in the order in which llama2.c's {@code memory_map_weights} does. */
    private static final class Layout {
        private final Path file;
        private final MappedFiles files;
        private final FileChannel channel;
        private final DecoderSpec spec;
        private final List<TensorInfo> tensors = new ArrayList<>();
        private final Map<TensorRole, Weight[]> roles = new EnumMap<>(TensorRole.class);
        private long offset = HEADER_BYTES;

        Layout(Path file, MappedFiles files) throws IOException {
            this.file = file;
            this.files = files;
            this.channel = files.open(file);
            this.spec = header();
        }

        private DecoderSpec header() throws IOException {
            ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
            while (header.hasRemaining()) {
                if (channel.read(header, header.position()) < 0) {
                    throw new ModelException(
                            file + ": " + channel.size() + " bytes; a llama2.c checkpoint has at least " + HEADER_BYTES
                                    + " (is the download complete?)");
                }
            }
            if (header.getInt(0) == LATER_VERSIONS) {
                throw new ModelException(file + ": llama2.c format version " + header.getInt(4)
                        + "; supported: version 0 (export.py --version 0)");
            }
            int dim = positive(header, 0, "dim", MAX_WIDTH);
            int ffn = positive(header, 1, "hidden_dim", 16 * MAX_WIDTH);
            int layers = positive(header, 2, "n_layers", MAX_LAYERS);
            int heads = positive(header, 3, "n_heads", MAX_WIDTH);
            int kvHeads = positive(header, 4, "n_kv_heads", MAX_WIDTH);
            boolean tied = header.getInt(20) > 0;
            header.putInt(20, tied ? header.getInt(20) : -header.getInt(20));
            int vocabulary = positive(header, 5, "vocab_size", 1 << 24);
            int positions = positive(header, 6, "seq_len", 1 << 30);
            if (dim % heads != 0 || dim / heads % 2 != 0 || heads % kvHeads != 0) {
                throw new ModelException(file + ": dim " + dim + ", n_heads " + heads + ", n_kv_heads " + kvHeads
                        + "; expected dim / n_heads to be an even integer and n_kv_heads to divide n_heads"
                        + " (not a llama2.c checkpoint?)");
            }
            return DecoderSpec.llama(
                    "llama2.c",
                    vocabulary,
                    dim,
                    layers,
                    AttentionSpec.full(heads, kvHeads, dim / heads, rope(dim / heads)),
                    ffn,
                    NORM_EPSILON,
                    tied,
                    positions);
        }

        private int positive(ByteBuffer header, int index, String name, int max) throws ModelException {
            int value = header.getInt(4 * index);
            if (value < 1 || value > max) {
                throw new ModelException(file + ": " + name + " is " + value + " in the header; expected 1 to " + max
                        + " (not a llama2.c checkpoint?)");
            }
            return value;
        }

        private static Rope rope(int headDim) {
            double[] frequencies = new double[headDim / 2];
            for (int i = 0; i < frequencies.length; i++) {
                frequencies[i] = Math.pow(ROPE_THETA, -2.0 * i / headDim);
            }
            return new Rope(frequencies, 1);
        }

        Checkpoint checkpoint() throws IOException {
            // Limits of the header keep every product below 2^63; the sum over layers is checked before any is listed.
            long expected = expectedBytes();
            if (expected != channel.size()) {
                throw new ModelException(file + ": " + channel.size() + " bytes; its llama2.c header asks for "
                        + expected + " (an incomplete download, or another format)");
            }
            single(TensorRole.EMBEDDING, "token_embedding_table");
            perLayer(TensorRole.ATTENTION_NORM, "rms_att_weight");
            perLayer(TensorRole.QUERY, "wq");
            perLayer(TensorRole.KEY, "wk");
            perLayer(TensorRole.VALUE, "wv");
            perLayer(TensorRole.OUTPUT, "wo");
            perLayer(TensorRole.MLP_NORM, "rms_ffn_weight");
            perLayer(TensorRole.GATE, "w1");
            perLayer(TensorRole.DOWN, "w2");
            perLayer(TensorRole.UP, "w3");
            single(TensorRole.FINAL_NORM, "rms_final_weight");
            offset += frequencyBytes();
            if (!spec.tiedHead()) {
                single(TensorRole.HEAD, "wcls");
            }
            return new MappedCheckpoint(
                    file,
                    "llama2.c",
                    spec,
                    tensors,
                    roles,
                    files,
                    () -> Llama2cTokenizer.open(file, spec.vocabulary()));
        }

        private long expectedBytes() throws ModelException {
            try {
                long perLayer = 0;
                for (TensorRole role : TensorRole.values()) {
                    if (role.linear() || role == TensorRole.ATTENTION_NORM || role == TensorRole.MLP_NORM) {
                        perLayer = Math.addExact(perLayer, bytes(role));
                    }
                }
                long embeddings = Math.multiplyExact(bytes(TensorRole.EMBEDDING), spec.tiedHead() ? 1L : 2L);
                return Math.addExact(
                        Math.addExact(HEADER_BYTES + embeddings, Math.multiplyExact(perLayer, (long) spec.layers())),
                        bytes(TensorRole.FINAL_NORM) + frequencyBytes());
            } catch (ArithmeticException e) {
                throw new ModelException(file + ": its llama2.c header asks for more than 2^63 bytes", e);
            }
        }

        private long bytes(TensorRole role) {
            return spec.shape(role).stream().reduce((long) Float.BYTES, Math::multiplyExact);
        }

        /** Two tables of seq_len × head size / 2 that newer readers recompute. */
        private long frequencyBytes() {
            return (long) spec.maxPositions() * spec.attention().headDim() * Float.BYTES;
        }

        private void single(TensorRole role, String name) {
            roles.put(role, new Weight[] {next(role, name)});
        }

        private void perLayer(TensorRole role, String name) {
            Weight[] perLayer = new Weight[spec.layers()];
            for (int layer = 0; layer < perLayer.length; layer++) {
                perLayer[layer] = next(role, "layers." + layer + "." + name);
            }
            roles.put(role, perLayer);
        }

        private Weight next(TensorRole role, String name) {
            TensorInfo tensor = new TensorInfo(name, NumberFormat.FP32, spec.shape(role), file, offset);
            offset += tensor.byteSize();
            tensors.add(tensor);
            // llama2.c rotates neighbouring values of a head.
            return role == TensorRole.QUERY || role == TensorRole.KEY
                    ? new StoredWeight(
                            files,
                            tensor,
                            tensor.shape(),
                            RowOrder.pairsToHalves(spec.attention().headDim()))
                    : new StoredWeight(files, tensor);
        }
    }
}
