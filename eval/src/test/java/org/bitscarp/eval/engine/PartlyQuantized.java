package org.bitscarp.eval.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.function.BiPredicate;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.ForwardingCheckpoint;
import org.bitscarp.model.ForwardingWeight;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solvers;

/** A checkpoint some of whose linear maps read as what rounding them to a format leaves. */
final class PartlyQuantized extends ForwardingCheckpoint {
    private final BlockFormat format;
    private final BiPredicate<TensorRole, Integer> quantized;

    PartlyQuantized(Checkpoint plain, BlockFormat format, BiPredicate<TensorRole, Integer> quantized) {
        super(plain);
        this.format = format;
        this.quantized = quantized;
    }

    @Override
    public Optional<Weight> weight(TensorRole role, int layer) {
        Optional<Weight> weight = plain.weight(role, layer);
        return role.linear() && role.inLayer() && quantized.test(role, layer) ? weight.map(this::rounded) : weight;
    }

    private Weight rounded(Weight weight) {
        return new Rounded(weight, format);
    }

    private static final class Rounded extends ForwardingWeight {
        private final BlockFormat rounding;

        Rounded(Weight weight, BlockFormat rounding) {
            super(weight);
            this.rounding = rounding;
        }

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
    }
}
