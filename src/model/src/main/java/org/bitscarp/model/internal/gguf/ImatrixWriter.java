package org.bitscarp.model.internal.gguf;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.bitscarp.model.Imatrix;

/** Writes an importance matrix as {@code llama-imatrix} does: sums of squares and counts, in the order of their names. */
public final class ImatrixWriter {
    static final String DATASETS = "imatrix.datasets";
    static final String CHUNKS = "imatrix.chunk_count";
    static final String CHUNK_TOKENS = "imatrix.chunk_size";

    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private ImatrixWriter() {}

    public static void write(Imatrix imatrix, boolean replace) throws IOException {
        GgufKeys keys = new GgufKeys()
                .string("general.type", "imatrix")
                .strings(
                        DATASETS,
                        imatrix.datasets().stream()
                                .map(name -> name.getBytes(StandardCharsets.UTF_8))
                                .toList())
                .u32(CHUNKS, imatrix.chunks())
                .u32(CHUNK_TOKENS, imatrix.chunkTokens());
        Map<String, float[]> data = new TreeMap<>();
        List<GgufFileWriter.Tensor> tensors = new ArrayList<>();
        new TreeMap<>(imatrix.entries()).forEach((name, entry) -> {
            int matrices = entry.counts().length;
            float[] counts = new float[matrices];
            float[] sums = new float[entry.meanSquares().length];
            int columns = sums.length / matrices;
            for (int i = 0; i < sums.length; i++) {
                sums[i] = (float) ((double) entry.meanSquares()[i] * entry.counts()[i / columns]);
                counts[i / columns] = entry.counts()[i / columns];
            }
            add(name + ".in_sum2", sums, matrices, data, tensors);
            add(name + ".counts", counts, matrices, data, tensors);
        });
        try (GgufFileWriter out = new GgufFileWriter(imatrix.file(), replace, keys, tensors);
                Arena arena = Arena.ofConfined()) {
            for (GgufFileWriter.Tensor tensor : tensors) {
                float[] values = data.get(tensor.name());
                MemorySegment bytes = arena.allocate(4L * values.length);
                MemorySegment.copy(values, 0, bytes, FLOAT, 0, values.length);
                out.write(tensor.name(), 0, bytes);
            }
            out.finish();
        }
    }

    private static void add(
            String name, float[] values, int matrices, Map<String, float[]> data, List<GgufFileWriter.Tensor> tensors) {
        data.put(name, values);
        tensors.add(new GgufFileWriter.Tensor(
                name, GgufTensorType.F32, List.of((long) matrices, (long) values.length / matrices)));
    }
}
