package org.bitscarp.compute.internal;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.PackedMatrix;

/** What backends in host memory share: memory, transfers, shape checks. */
public abstract class HostBackend implements Backend {
    @Override
    public String computeType() {
        return "fp32";
    }

    @Override
    public TensorMemory newMemory() {
        Arena arena = Arena.ofShared();
        return new TensorMemory() {
            @Override
            public Tensor allocate(int rows, int columns) {
                return new HostTensor(HostMemory.allocate(arena, (long) rows * columns), rows, columns);
            }

            @Override
            public void close() {
                arena.close();
            }
        };
    }

    @Override
    public void upload(MemorySegment host, Tensor target) {
        HostTensor t = host(target);
        MemorySegment.copy(host, 0, t.data(), 0, 4 * t.size());
    }

    @Override
    public void download(Tensor source, MemorySegment host) {
        HostTensor t = host(source);
        MemorySegment.copy(t.data(), 0, host, 0, 4 * t.size());
    }

    @Override
    public void clear(Tensor x) {
        host(x).data().asSlice(0, 4 * host(x).size()).fill((byte) 0);
    }

    @Override
    public void decode(PackedMatrix packed, int from, int to, Tensor target) {
        HostTensor t = host(target);
        require(
                packed.rows() == t.rows() && packed.columns() == t.columns(),
                "decode: a packed %d × %d matrix into %s",
                packed.rows(),
                packed.columns(),
                shape(t));
        packed.decodeRows(from, to, new DenseMatrix(t.data(), t.rows(), t.columns()));
    }

    @Override
    public void close() {}

    /** The tensor as one of ours; tensors of another backend are a programming error. */
    protected static HostTensor host(Tensor tensor) {
        if (tensor instanceof HostTensor host) {
            return host;
        }
        throw new IllegalArgumentException("not a tensor in host memory: " + tensor);
    }

    protected static void requireSameShape(String operation, Tensor x, Tensor y) {
        require(x.rows() == y.rows() && x.columns() == y.columns(), "%s: %s against %s", operation, shape(x), shape(y));
    }

    protected static void requireNorm(Tensor x, Tensor gain, Tensor bias, Tensor y) {
        requireSameShape("layer norm", x, y);
        requireSameShape("layer norm", gain, bias);
        require(gain.rows() == 1 && gain.columns() == x.columns(), "gain %s for %s", shape(gain), shape(x));
    }

    protected static void requireRope(Tensor x, int headDim, Tensor cos, Tensor sin) {
        requireSameShape("rope", cos, sin);
        require(
                x.columns() % headDim == 0 && 2 * cos.columns() <= headDim,
                "rope: %d pairs of heads of %d in %s",
                cos.columns(),
                headDim,
                shape(x));
    }

    protected static void requireOuterProducts(Tensor x, int first, int count, Tensor sums) {
        require(
                sums.rows() == x.columns() && sums.columns() == x.columns(),
                "outer products: %s into %s",
                shape(x),
                shape(sums));
        Objects.checkFromIndexSize(first, count, x.columns());
    }

    /** One index for each row of {@code few}, each a row of {@code many}. */
    protected static void requireRows(String operation, int[] rows, Tensor few, Tensor many) {
        require(
                rows.length == few.rows() && few.columns() == many.columns(),
                "%s: %d rows of %s against %s",
                operation,
                rows.length,
                shape(many),
                shape(few));
        for (int row : rows) {
            Objects.checkIndex(row, many.rows());
        }
    }

    protected static String shape(Tensor t) {
        return "[" + t.rows() + ", " + t.columns() + "]";
    }

    protected static void require(boolean condition, String message, Object... arguments) {
        if (!condition) {
            throw new IllegalArgumentException(String.format(message, arguments));
        }
    }
}
