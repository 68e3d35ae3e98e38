package org.bitscarp.compute.internal;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Operands;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.PackedMatrix;

/** What backends in host memory share: memory and transfers. */
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
        Operands.requireDecode(packed, from, to, t);
        packed.decodeRows(from, to, new DenseMatrix(t.data(), t.rows(), t.columns()));
    }

    @Override
    public void placeTokens(Tensor x, float scale, Tensor positions, int first, int length) {
        if (positions != null) {
            Operands.requirePositions(x, positions, first, length);
        }
        MemorySegment values = host(x).data();
        for (int row = 0; row < x.rows(); row++) {
            long at = (long) row * x.columns();
            long place = (long) (first + row % length) * x.columns();
            for (int i = 0; i < x.columns(); i++) {
                float value = values.getAtIndex(JAVA_FLOAT, at + i) * scale;
                if (positions != null) {
                    value += host(positions).data().getAtIndex(JAVA_FLOAT, place + i);
                }
                values.setAtIndex(JAVA_FLOAT, at + i, value);
            }
        }
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
}
