package org.bitscarp.eval.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.SolveStats;

/**
 * Tokens into the first layer's input, on the backend, for a level that writes. Where the output projection is the embedding
 * table in the format that the level has for it, rows are looked up there, packed or not. A table of its own stays in the
 * checkpoint: on a device it would take vocabulary × hidden of the memory that layers need, to save a transfer of one row a
 * token beside reading all weights. A sweep has no use for a lookup on a device: its hidden states go to host memory, where
 * the rows come from.
 *
 * @param table the embedding table on the backend, or null
 * @param format of a table that is not there; null where it stays as it is
 * @param positions one row for each place of a sequence, or null where positions are not learned
 */
record TokenInputs(
        Backend backend, DecoderSpec spec, WeightReader reader, LinearMap table, BlockFormat format, Tensor positions) {
    /**
     * @param tokens of each sequence in turn
     * @param first position of each sequence's first token
     * @param length tokens in a sequence
     * @param x [tokens.length, hidden], receives the input
     */
    void write(int[] tokens, int first, int length, Tensor x) throws IOException {
        if (table != null) {
            table.gather(tokens, x);
        } else {
            upload(tokens, x);
        }
        if (spec.embeddingScale() != 1 || positions != null) {
            backend.placeTokens(x, spec.embeddingScale(), positions, first, length);
        }
    }

    private void upload(int[] tokens, Tensor x) throws IOException {
        try (Arena arena = Arena.ofShared()) {
            Embeddings embeddings = new Embeddings(reader, spec, List.of(tokens), arena);
            DenseMatrix rows = embeddings.in(format, arena, new SolveStats());
            MemorySegment host = arena.allocate(4L * tokens.length * spec.hidden(), 64);
            embeddings.gather(rows, tokens, host);
            backend.upload(host, x);
        }
    }
}
