package org.bitscarp.model;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.bitscarp.model.internal.gguf.GgufFamilies;
import org.bitscarp.model.internal.gguf.GgufFamily;
import org.bitscarp.model.internal.gguf.ImatrixReader;
import org.bitscarp.model.internal.gguf.ImatrixWriter;

/**
 * llama.cpp's importance matrix: mean squared activations per input channel of linear maps, under the names of the GGUF
 * file's tensors.
 *
 * @param file where it comes from or goes to, for messages
 * @param sha256 of the file; null for one that was not read
 * @param entries by tensor, {@code blk.0.attn_q.weight}
 * @param datasets names of the texts it was gathered on
 * @param chunks windows of those texts
 * @param chunkTokens tokens in a window; 0 where the file does not say
 */
public record Imatrix(
        Path file, String sha256, Map<String, Entry> entries, List<String> datasets, long chunks, int chunkTokens) {
    /**
     * What is known of one tensor's inputs.
     *
     * @param meanSquares {@code [matrices × columns]}, all finite and at least 0; those of a matrix without inputs are 0
     * @param counts what each matrix saw: tokens, or windows in a legacy file; a single one stands for all matrices
     */
    public record Entry(float[] meanSquares, long[] counts) {}

    /**
     * Reads a file, GGUF or legacy.
     *
     * @throws ModelException for a file that is neither, or that has values which are no mean squares
     */
    public static Imatrix read(Path file) throws IOException {
        return ImatrixReader.read(file);
    }

    /** Writes it as a GGUF file; it appears when it is complete. */
    public void write(boolean replace) throws IOException {
        ImatrixWriter.write(this, replace);
    }

    /**
     * The tensor that holds a linear map in llama.cpp's files.
     *
     * @throws ModelException for an architecture, or a map of it, that llama.cpp has no name for
     */
    public static String tensor(Checkpoint checkpoint, TensorRole role, int layer) throws ModelException {
        String architecture = checkpoint.spec().architecture();
        GgufFamily family = GgufFamilies.of(architecture)
                .orElseThrow(() -> new ModelException(checkpoint.path() + ": llama.cpp has no architecture for "
                        + architecture + ", so an imatrix file has no names for its tensors; use --calibration"));
        return family.tensor(role, layer)
                .orElseThrow(() -> new ModelException(checkpoint.path() + ": " + role + " has no name in llama.cpp's"
                        + " architecture " + family.name() + "; use --calibration"));
    }

    /**
     * What is known of a linear map's inputs, with a count for each of its matrices.
     *
     * @throws ModelException naming the tensor that is missing or of another width
     */
    public Entry of(Checkpoint checkpoint, TensorRole role, int layer) throws ModelException {
        String tensor = tensor(checkpoint, role, layer);
        Entry entry = entries.get(tensor);
        if (entry == null) {
            throw new ModelException(file + ": has nothing of " + tensor + ", which " + checkpoint.path()
                    + " needs; expected an imatrix of the same model (it has " + entries.size() + " tensors)");
        }
        long columns = checkpoint.weight(role, layer).orElseThrow().columns();
        int matrices = role.perExpert() ? checkpoint.spec().mlp().experts() : 1;
        boolean counted = entry.counts.length == 1 || entry.counts.length == matrices;
        if (entry.meanSquares.length != columns * matrices || !counted) {
            throw new ModelException(file + ": " + tensor + " has " + entry.meanSquares.length + " values in "
                    + entry.counts.length + " matrices; " + checkpoint.path() + " has " + matrices + " of " + columns
                    + " input channels: the imatrix is of another model");
        }
        long[] counts = new long[matrices];
        for (int i = 0; i < matrices; i++) {
            counts[i] = entry.counts[entry.counts.length == 1 ? 0 : i];
        }
        return new Entry(entry.meanSquares, counts);
    }
}
