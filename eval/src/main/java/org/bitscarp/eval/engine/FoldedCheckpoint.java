package org.bitscarp.eval.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.ForwardingCheckpoint;
import org.bitscarp.model.ForwardingWeight;
import org.bitscarp.model.TensorInfo;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.model.export.GptqPlan;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.StoredFormat;
import org.bitscarp.quant.transform.Basis;
import org.bitscarp.quant.transform.BasisChange;
import org.bitscarp.quant.transform.Chain;
import org.bitscarp.quant.transform.Scaling;

/**
 * What a file of a level with a folded transform holds beside the packed linear maps: norms, biases, routers, embedding
 * and output projection that carry what is undone around those maps, so that an ordinary runtime needs to undo nothing.
 * Linear maps are those of the plain model; the packed ones come from a {@link QuantizePass}, and {@link #carry} must be
 * told of each before weights of its layer are read.
 */
public final class FoldedCheckpoint extends ForwardingCheckpoint {
    private record Key(TensorRole role, int layer) {}

    private final Folding folding;
    private final DecoderSpec spec;
    /** What is done to each row of a weight that differs from the plain one. */
    private final Map<Key, Consumer<float[]>> changes = new ConcurrentHashMap<>();

    private FoldedCheckpoint(Checkpoint plain, Folding folding) throws IOException {
        super(plain);
        this.folding = folding;
        boolean rotated = folding.rotatesResidual();
        spec = rotated && plain.spec().tiedHead() ? plain.spec().withOwnHead() : plain.spec();
        if (rotated) {
            rotateTables();
        }
    }

    /**
     * The model at a level without a transform is the plain one.
     *
     * @throws IllegalArgumentException where the architecture does not allow the transform, or no file carries it
     */
    public static FoldedCheckpoint of(Checkpoint plain, Level level) throws IOException {
        SweepChecks.transforms(plain, List.of(Recipe.ofMaps(level)));
        if (!level.transform().folded()) {
            throw new IllegalArgumentException("level " + level + ": " + level.transform()
                    + " rotates inputs while the model runs, which no file format carries; use hadamard, whose rotations"
                    + " the weights take over");
        }
        return new FoldedCheckpoint(plain, Folding.of(plain, level.transform()));
    }

    /**
     * Weights that differ from the plain model's, by the tensors that have them there; an output projection that was tied
     * and no longer is by {@link GptqPlan#HEAD}.
     *
     * @throws IllegalArgumentException for a weight that the plain model does not store as such
     */
    public Map<String, Weight> rewritten() {
        Map<String, Weight> rewritten = new TreeMap<>();
        for (Key key : changes.keySet()) {
            Weight weight = weight(key.role, key.layer).orElse(null);
            if (weight == null) {
                continue;
            }
            boolean untied = key.role == TensorRole.HEAD && plain.spec().tiedHead();
            String tensor = untied
                    ? GptqPlan.HEAD
                    : plain.weight(key.role, key.layer)
                            .flatMap(Weight::tensor)
                            .map(TensorInfo::name)
                            .orElseThrow(() -> new IllegalArgumentException(plain.path() + ": " + weight.name()
                                    + " is stored in another form, which cannot take over a transform in a GPTQ"
                                    + " folder; name a file that ends with .gguf"));
            rewritten.put(tensor, weight);
        }
        return rewritten;
    }

    /** The model that was folded. */
    public Checkpoint plain() {
        return plain;
    }

    /** W' = W·Rᵀ for all that writes or reads the residual stream outside of layers; the last norm's gain goes into the head. */
    private void rotateTables() throws IOException {
        Basis residual = folding.residual();
        float[] gain = values(plain.weight(TensorRole.FINAL_NORM, 0).orElseThrow());
        Basis head = Chain.of(new Scaling(gain), residual);
        change(TensorRole.EMBEDDING, 0, residual::apply);
        change(TensorRole.POSITION_EMBEDDING, 0, residual::apply);
        change(TensorRole.HEAD, 0, head::applyToRow);
        change(TensorRole.FINAL_NORM, 0, FoldedCheckpoint::ones);
    }

    private void change(TensorRole role, int layer, Consumer<float[]> change) {
        changes.put(new Key(role, layer), change);
    }

    private static void ones(float[] values) {
        Arrays.fill(values, 1);
    }

    private static float[] values(Weight vector) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment values = arena.allocate(4 * vector.size(), 4);
            vector.read(0, 1, values, 0);
            return values.toArray(JAVA_FLOAT);
        }
    }

    /** Lets norm, biases and router around a linear map carry what its weights went through. */
    public void carry(int layer, TensorRole role, BasisChange change) {
        TensorRole bias = bias(role);
        if (bias != null && change.output() != null) {
            change(bias, layer, change.output()::apply);
        }
        TensorRole norm = role.input() == role ? Folding.norm(role) : null;
        if (norm != null && change.input() != null) {
            norm(norm, layer, change.input());
        }
    }

    private static TensorRole bias(TensorRole role) {
        return switch (role) {
            case VALUE -> TensorRole.VALUE_BIAS;
            case OUTPUT -> TensorRole.OUTPUT_BIAS;
            case UP -> TensorRole.UP_BIAS;
            case DOWN -> TensorRole.DOWN_BIAS;
            default -> null;
        };
    }

    /** A rotation leaves the norm no gain but the scales that come behind it; without one they divide its own. */
    private void norm(TensorRole norm, int layer, Basis input) {
        Scaling scales = input instanceof Scaling only
                ? only
                : input instanceof Chain chain && chain.steps().getLast() instanceof Scaling last ? last : null;
        boolean rotated = folding.rotatesResidual();
        change(norm, layer, gain -> {
            if (rotated) {
                ones(gain);
            }
            if (scales != null) {
                scales.apply(gain);
            }
        });
        if (scales != null) {
            change(
                    norm == TensorRole.MLP_NORM ? TensorRole.MLP_NORM_BIAS : TensorRole.ATTENTION_NORM_BIAS,
                    layer,
                    scales::apply);
        }
        if (norm == TensorRole.MLP_NORM) {
            change(TensorRole.ROUTER, layer, input::applyToRow);
        }
    }

    @Override
    public Optional<Weight> weight(TensorRole role, int layer) {
        boolean own = role == TensorRole.HEAD && spec.tiedHead() != plain.spec().tiedHead();
        Optional<Weight> weight = plain.weight(own ? TensorRole.EMBEDDING : role, layer);
        boolean layers = role.inLayer() && !role.linear();
        Key key = new Key(role, role.inLayer() ? layer : 0);
        return layers || changes.containsKey(key) ? weight.map(w -> new Folded(w, key)) : weight;
    }

    /** A weight with what it carries at the time that it is read. */
    private final class Folded extends ForwardingWeight {
        private final Key key;

        Folded(Weight weight, Key key) {
            super(weight);
            this.key = key;
        }

        /** Values in another basis are in nobody's stored format. */
        @Override
        public String formatName() {
            return changes.containsKey(key) ? "FP32" : weight.formatName();
        }

        @Override
        public long byteSize() {
            return changes.containsKey(key) ? 4 * size() : weight.byteSize();
        }

        @Override
        public void read(long firstRow, long rows, MemorySegment target, long offset) throws IOException {
            weight.read(firstRow, rows, target, offset);
            Consumer<float[]> change = changes.get(key);
            float[] row = new float[Math.toIntExact(columns())];
            for (long r = 0; change != null && r < rows; r++) {
                long at = offset + 4 * r * row.length;
                MemorySegment.copy(target, JAVA_FLOAT_UNALIGNED, at, row, 0, row.length);
                change.accept(row);
                MemorySegment.copy(row, 0, target, JAVA_FLOAT_UNALIGNED, at, row.length);
            }
        }

        @Override
        public Optional<StoredFormat> format() {
            return changes.containsKey(key) ? Optional.empty() : weight.format();
        }

        @Override
        public void copy(long firstRow, long rows, MemorySegment target, long offset) throws IOException {
            if (changes.containsKey(key)) {
                throw new IllegalStateException(name() + " is stored in another basis");
            }
            weight.copy(firstRow, rows, target, offset);
        }

        @Override
        public Optional<TensorInfo> tensor() {
            return changes.containsKey(key) ? Optional.empty() : weight.tensor();
        }
    }

    @Override
    public DecoderSpec spec() {
        return spec;
    }
}
