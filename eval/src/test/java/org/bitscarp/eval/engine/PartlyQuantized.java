package org.bitscarp.eval.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.BiPredicate;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.TensorInfo;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Tokenizer;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solvers;
import org.bitscarp.quant.StoredFormat;

/** A checkpoint some of whose linear maps read as what rounding them to a format leaves. */
record PartlyQuantized(Checkpoint model, BlockFormat format, BiPredicate<TensorRole, Integer> quantized)
        implements Checkpoint {
    @Override
    public Optional<Weight> weight(TensorRole role, int layer) {
        Optional<Weight> weight = model.weight(role, layer);
        return role.linear() && role.inLayer() && quantized.test(role, layer) ? weight.map(this::rounded) : weight;
    }

    private Weight rounded(Weight weight) {
        return new Rounded(weight, format);
    }

    private record Rounded(Weight weight, BlockFormat rounding) implements Weight {
        @Override
        public void read(long firstRow, long rows, MemorySegment target, long offset) throws IOException {
            weight.read(firstRow, rows, target, offset);
            int columns = Math.toIntExact(weight.columns());
            try (Arena arena = Arena.ofShared()) {
                DenseMatrix plain =
                        new DenseMatrix(target.asSlice(offset, 4 * rows * columns), Math.toIntExact(rows), columns);
                PackedMatrix packed = PackedMatrix.allocate(rounding, plain.rows(), columns, arena);
                Solvers.RTN.prepare(plain, null, packed).solve(0, plain.rows(), new SolveStats());
                packed.decodeRows(0, plain.rows(), plain);
            }
        }

        @Override
        public String name() {
            return weight.name();
        }

        @Override
        public List<Long> shape() {
            return weight.shape();
        }

        @Override
        public String formatName() {
            return weight.formatName();
        }

        @Override
        public long byteSize() {
            return weight.byteSize();
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

    @Override
    public Path path() {
        return model.path();
    }

    @Override
    public String container() {
        return model.container();
    }

    @Override
    public DecoderSpec spec() {
        return model.spec();
    }

    @Override
    public List<TensorInfo> tensors() {
        return model.tensors();
    }

    @Override
    public MemorySegment map(TensorInfo tensor, long firstRow, long rows, Arena arena) throws IOException {
        return model.map(tensor, firstRow, rows, arena);
    }

    @Override
    public Tokenizer tokenizer() throws IOException {
        return model.tokenizer();
    }

    /** The model belongs to whoever opened it. */
    @Override
    public void close() {}
}
