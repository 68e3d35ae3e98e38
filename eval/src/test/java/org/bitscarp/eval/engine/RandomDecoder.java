package org.bitscarp.eval.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.IntPredicate;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.TensorInfo;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Tokenizer;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.StoredFormat;

/** A model of any architecture with random weights, in memory: the same seed gives the same values. */
final class RandomDecoder implements Checkpoint {
    private record Key(TensorRole role, int layer) {}

    private final DecoderSpec spec;
    private final Map<Key, Values> weights = new HashMap<>();

    /** @param roles that the model has, each with the layers that have it */
    RandomDecoder(DecoderSpec spec, Map<TensorRole, IntPredicate> roles) {
        this.spec = spec;
        roles.forEach((role, layers) -> {
            for (int layer = 0; layer < (role.inLayer() ? spec.layers() : 1); layer++) {
                if (layers.test(layer)) {
                    weights.put(new Key(role, layer), new Values(role, layer, spec.shape(role)));
                }
            }
        });
    }

    /** All layers have the same roles. */
    RandomDecoder(DecoderSpec spec, Set<TensorRole> roles) {
        this(spec, everywhere(roles));
    }

    static Map<TensorRole, IntPredicate> everywhere(Set<TensorRole> roles) {
        Map<TensorRole, IntPredicate> all = new EnumMap<>(TensorRole.class);
        roles.forEach(role -> all.put(role, layer -> true));
        return all;
    }

    /** Values of a weight, row after row. */
    float[] values(TensorRole role, int layer) {
        return weights.get(new Key(role, layer)).values;
    }

    @Override
    public Path path() {
        return Path.of("random");
    }

    @Override
    public String container() {
        return "random";
    }

    @Override
    public DecoderSpec spec() {
        return spec;
    }

    @Override
    public List<TensorInfo> tensors() {
        return List.of();
    }

    @Override
    public Optional<Weight> weight(TensorRole role, int layer) {
        return Optional.ofNullable(weights.get(new Key(role, role.inLayer() ? layer : 0)));
    }

    @Override
    public MemorySegment map(TensorInfo tensor, long firstRow, long rows, Arena arena) {
        throw new AssertionError("there are no files");
    }

    @Override
    public Tokenizer tokenizer() {
        throw new AssertionError("tests make their own tokens");
    }

    @Override
    public void close() {}

    private static final class Values implements Weight {
        private final String name;
        private final List<Long> shape;
        private final float[] values;

        Values(TensorRole role, int layer, List<Long> shape) {
            name = role + "." + layer;
            this.shape = shape;
            values = new float[Math.toIntExact(size())];
            SplittableRandom random = new SplittableRandom(31L * role.ordinal() + layer);
            boolean matrix = shape.size() == 2;
            boolean table = role == TensorRole.EMBEDDING || role == TensorRole.POSITION_EMBEDDING;
            // A router that hardly tells tokens apart would make every expert's weight the same.
            double scale = !matrix ? 0.2 : table ? 1 : (role == TensorRole.ROUTER ? 3 : 1) / Math.sqrt(columns());
            double mean = role.name().contains("NORM") && !role.name().contains("BIAS") ? 1 : 0;
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (mean + scale * random.nextGaussian());
            }
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public List<Long> shape() {
            return shape;
        }

        @Override
        public String formatName() {
            return "FP32";
        }

        @Override
        public long byteSize() {
            return 4L * values.length;
        }

        @Override
        public void read(long firstRow, long rows, MemorySegment target, long offset) {
            int columns = Math.toIntExact(columns());
            MemorySegment.copy(
                    values,
                    Math.toIntExact(firstRow * columns),
                    target,
                    JAVA_FLOAT,
                    offset,
                    Math.toIntExact(rows * columns));
        }

        @Override
        public Optional<StoredFormat> format() {
            return Optional.empty();
        }

        @Override
        public void copy(long firstRow, long rows, MemorySegment target, long offset) {
            throw new IllegalStateException("only floats");
        }
    }
}
