package org.bitscarp.eval.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.PackedProducts;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.eval.generate.ContinuationPlan;
import org.bitscarp.eval.generate.Sampler;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.DenseMatrix;

/**
 * What each level writes behind the same prompts, from the very bytes that the sweep scored. All prompts and samplers of a
 * level go through the model together, one token at a time.
 */
final class ContinuationPass {
    private final Backend backend;
    private final Checkpoint checkpoint;
    private final TableInputs tables;
    private final DecoderSpec spec;
    private final WeightReader reader;
    private final Lanes lanes;
    private final List<String> packed = new ArrayList<>();
    private final List<String> decoded = new ArrayList<>();

    /** @param tables what levels have chosen their output projections by */
    ContinuationPass(Backend backend, Checkpoint checkpoint, TableInputs tables, Lanes lanes) {
        this.tables = tables;
        this.backend = backend;
        this.checkpoint = checkpoint;
        this.lanes = lanes;
        spec = checkpoint.spec();
        reader = new WeightReader(checkpoint, lanes);
    }

    /** Bytes that the pass takes besides the packed levels, with one layer at a time on the backend. */
    static long bytes(Checkpoint checkpoint, ContinuationPlan plan, int headFormats) {
        DecoderSpec spec = checkpoint.spec();
        long head = 4L * spec.vocabulary() * spec.hidden();
        return (headFormats + 1) * head
                + LevelModel.bytes(layerBytes(checkpoint), 1)
                + Workspace.bytes(spec, plan.sequences() * plan.longestPrompt());
    }

    private static long layerBytes(Checkpoint checkpoint) {
        long bytes = 0;
        for (TensorRole role : TensorRole.values()) {
            bytes += role.inLayer()
                    ? checkpoint.anyLayer(role).map(w -> 4 * w.size()).orElse(0L)
                    : 0;
        }
        return bytes;
    }

    /**
     * Continues all prompts at all levels.
     *
     * @param weights quantized matrices of the levels
     * @param budget bytes that this may take of the host's memory
     * @param written told of each level before it begins
     * @return for each level, for each sampler and each prompt, the tokens written; fewer than asked where a logit was NaN
     */
    List<List<int[]>> run(
            ContinuationPlan plan, List<LevelTally> levels, PackedLevels weights, long budget, Progressed written)
            throws IOException {
        long tensors = backend.availableMemory() == Long.MAX_VALUE ? budget : backend.availableMemory();
        long room = tensors
                - bytes(
                        checkpoint,
                        plan,
                        MemoryUse.headFormats(
                                levels.stream().map(level -> level.recipe).toList()));
        List<List<int[]>> texts = new ArrayList<>();
        try (Arena arena = Arena.ofShared();
                TensorMemory memory = backend.newMemory();
                Workspace space = new Workspace(backend, spec, plan.sequences() * plan.longestPrompt())) {
            DecoderLayer decoder = new DecoderLayer(backend, spec, plan.longest(), memory);
            FinalNorm finalNorm = new FinalNorm(backend, checkpoint, reader, memory);
            Tensor positions = upload(Embeddings.positions(reader, checkpoint, arena), memory);
            Map<TableInputs.Table, LinearMap> heads = new HashMap<>();
            for (int l = 0; l < levels.size(); l++) {
                LevelTally level = levels.get(l);
                written.begins(level);
                try (LevelModel model = new LevelModel(
                        backend, reader, weights, l, spec.layers(), plan, room + layerBytes(checkpoint), lanes)) {
                    note(level, model);
                    TableInputs.Table table = tables.projection(level.recipe);
                    LinearMap head = heads.get(table);
                    if (head == null) {
                        head = head(table, plan.sequences(), memory);
                        heads.put(table, head);
                    }
                    TokenInputs inputs = new TokenInputs(
                            backend,
                            spec,
                            reader,
                            level.recipe.oneTable(spec) ? head : null,
                            level.recipe.embedding(),
                            positions);
                    texts.add(new Writer(decoder, model, finalNorm, inputs, head, space).write(plan));
                }
            }
        }
        return texts;
    }

    /** A matrix on the backend; null for none. */
    private Tensor upload(DenseMatrix matrix, TensorMemory memory) {
        if (matrix == null) {
            return null;
        }
        Tensor tensor = memory.allocate(matrix.rows(), matrix.columns());
        backend.upload(matrix.data(), tensor);
        return tensor;
    }

    private void note(LevelTally level, LevelModel model) {
        switch (model.weights()) {
            case PACKED -> packed.add(level.recipe.name());
            case DECODED -> decoded.add(level.recipe.name());
            case AS_STORED -> {}
        }
    }

    /** For reports: which levels wrote from packed weights; empty where the backend decodes everything. */
    Optional<String> note() {
        if (backend.packedProducts().isEmpty() || packed.isEmpty() && decoded.isEmpty()) {
            return Optional.empty();
        }
        List<String> parts = new ArrayList<>();
        if (!packed.isEmpty()) {
            parts.add("continuations are products with packed weights on the device: " + String.join(", ", packed));
        }
        if (!decoded.isEmpty()) {
            parts.add("continuations with some weights decoded first: " + String.join(", ", decoded));
        }
        String text = String.join("; ", parts);
        return Optional.of(Character.toUpperCase(text.charAt(0)) + text.substring(1) + ".");
    }

    /** Told of a level that is about to write. */
    @FunctionalInterface
    interface Progressed {
        void begins(LevelTally level);
    }

    /**
     * The whole output projection as a level stores it.
     *
     * @param rows of a product with it at most
     */
    private LinearMap head(TableInputs.Table table, int rows, TensorMemory memory) throws IOException {
        TensorRole role = spec.tiedHead() ? TensorRole.EMBEDDING : TensorRole.HEAD;
        BlockFormat format = table.format();
        try (Arena arena = Arena.ofShared()) {
            DenseMatrix whole = reader.whole(role, arena);
            PackedProducts products = backend.packedProducts().orElse(null);
            if (format != null && products != null && products.multiplies(format, whole.columns(), rows)) {
                LinearMap[] head = new LinearMap[1];
                quantize(whole, table, null, (job, packed) -> {
                    Tensor room = memory.allocate(LevelModel.floats(packed), 1);
                    head[0] = new LinearMap.Packed(backend, products, products.upload(packed, room), null);
                });
                return head[0];
            }
            Tensor head = memory.allocate(spec.vocabulary(), spec.hidden());
            if (format == null) {
                backend.upload(whole.data(), head);
            } else {
                quantize(whole, table, head, null);
            }
            return new LinearMap.Dense(backend, head);
        }
    }

    private void quantize(DenseMatrix whole, TableInputs.Table table, Tensor target, MatrixQuantizer.Receiver receiver)
            throws IOException {
        new MatrixQuantizer(backend, lanes).run(table.solver(), List.of(table.job(whole, target)), receiver);
    }

    /** One level's model at work. */
    private final class Writer {
        private final DecoderLayer decoder;
        private final LevelModel model;
        private final FinalNorm finalNorm;
        private final TokenInputs inputs;
        private final LinearMap head;
        private final Workspace space;

        Writer(
                DecoderLayer decoder,
                LevelModel model,
                FinalNorm finalNorm,
                TokenInputs inputs,
                LinearMap head,
                Workspace space) {
            this.decoder = decoder;
            this.model = model;
            this.finalNorm = finalNorm;
            this.inputs = inputs;
            this.head = head;
            this.space = space;
        }

        List<int[]> write(ContinuationPlan plan) throws IOException {
            int prompts = plan.prompts().size();
            int[][] texts = new int[plan.sequences()][plan.tokens()];
            // Prompts of one length go together.
            Map<Integer, List<Integer>> byLength = new java.util.TreeMap<>();
            for (int s = 0; s < texts.length; s++) {
                byLength.computeIfAbsent(plan.prompts().get(s % prompts).length, n -> new ArrayList<>())
                        .add(s);
            }
            for (List<Integer> group : byLength.values()) {
                write(plan, group, texts);
            }
            return Arrays.asList(texts);
        }

        private void write(ContinuationPlan plan, List<Integer> group, int[][] texts) throws IOException {
            int n = group.size();
            int prompts = plan.prompts().size();
            int[] lengths = new int[n];
            Arrays.fill(lengths, plan.tokens());
            int promptLength = plan.prompts().get(group.getFirst() % prompts).length;
            int[] next = new int[n * promptLength];
            for (int i = 0; i < n; i++) {
                System.arraycopy(plan.prompts().get(group.get(i) % prompts), 0, next, i * promptLength, promptLength);
            }
            try (KeyValueCache cache =
                            new KeyValueCache(backend, spec, decoder.rotations, n, promptLength + plan.tokens());
                    Step step = new Step(n)) {
                for (int t = 0; t < plan.tokens(); t++) {
                    float[][] logits = step.logits(next, cache);
                    next = new int[n];
                    for (int i = 0; i < n; i++) {
                        Sampler sampler = plan.samplers().get(group.get(i) / prompts);
                        int token = sampler.next(logits[i], group.get(i) % prompts, t);
                        if (token < 0 && lengths[i] == plan.tokens()) {
                            lengths[i] = t;
                        }
                        next[i] = Math.max(0, token);
                        texts[group.get(i)][t] = next[i];
                    }
                }
            }
            for (int i = 0; i < n; i++) {
                texts[group.get(i)] = Arrays.copyOf(texts[group.get(i)], lengths[i]);
            }
        }

        /** Tokens in, logits of the next ones out; buffers for {@code n} sequences. */
        private final class Step implements AutoCloseable {
            private final int n;
            private final Arena arena = Arena.ofShared();
            private final TensorMemory memory = backend.newMemory();
            private final Tensor last;
            private final Tensor normed;
            private final Tensor logits;
            private final MemorySegment host;

            Step(int n) {
                this.n = n;
                last = memory.allocate(n, spec.hidden());
                normed = memory.allocate(n, spec.hidden());
                logits = memory.allocate(n, spec.vocabulary());
                host = arena.allocate(4L * n * spec.vocabulary(), 64);
            }

            /** @param tokens of each sequence in turn, as many of each as the last ones that the cache has not seen */
            float[][] logits(int[] tokens, KeyValueCache cache) throws IOException {
                int length = tokens.length / n;
                Tensor x = space.x(tokens.length);
                inputs.write(tokens, cache.filled(), length, x);
                for (int layer = 0; layer < spec.layers(); layer++) {
                    decoder.forward(layer, model.layer(layer), x, length, space, DecoderLayer.Tap.NONE, cache);
                }
                cache.advance(length);
                int[] ends = new int[n];
                Arrays.setAll(ends, i -> (i + 1) * length - 1);
                backend.gatherRows(x, ends, last);
                head.multiply(finalNorm.apply(last, normed), logits);
                if (spec.logitSoftCap() != 0) {
                    backend.softCap(logits, spec.logitSoftCap());
                }
                backend.download(logits, host);
                float[][] rows = new float[n][spec.vocabulary()];
                for (int i = 0; i < n; i++) {
                    MemorySegment.copy(host, JAVA_FLOAT, 4L * i * spec.vocabulary(), rows[i], 0, spec.vocabulary());
                }
                return rows;
            }

            @Override
            public void close() {
                memory.close();
                arena.close();
            }
        }
    }
}
