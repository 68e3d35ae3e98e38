package org.bitscarp.cuda.backend;

import java.util.List;
import org.bitscarp.compute.Operands;
import org.bitscarp.compute.PackedProducts;
import org.bitscarp.compute.PackedTensor;
import org.bitscarp.compute.Tensor;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.PackedMatrix;

/** Products from packed bytes in device memory, in the arithmetic that the user asked for or a more exact one. */
final class CudaPackedProducts implements PackedProducts {
    private final DeviceQueue queue;
    private final PackedProduct product;
    private final PackedKernels kernels;

    /** @param compute with tf32 nothing is rounded: no kernel takes packed weights and multiplies in it */
    CudaPackedProducts(Launcher launcher, ComputeType compute) {
        queue = launcher.queue;
        kernels = new PackedKernels(launcher);
        product = new PackedProduct(
                launcher,
                switch (compute) {
                    case FP16 -> DenseType.FP16;
                    case BF16 -> DenseType.BF16;
                    case FP32, TF32 -> DenseType.FP32;
                });
    }

    /** A packed matrix with its format as levels name it. */
    private record Packed(BlockFormat format, PackedProduct.Weights weights) implements PackedTensor {
        /** The matrix as one of ours; those of another backend are a programming error. */
        static PackedProduct.Weights of(PackedTensor tensor) {
            if (tensor instanceof Packed packed) {
                return packed.weights;
            }
            throw new IllegalArgumentException("not packed weights in device memory: " + tensor);
        }

        @Override
        public int rows() {
            return weights.rows();
        }

        @Override
        public int columns() {
            return weights.columns();
        }
    }

    @Override
    public boolean multiplies(BlockFormat format, int columns, int rows) {
        return PackedFormat.of(format, columns)
                .filter(words -> product.cheaper(rows, words, format.rowBytes(columns), columns))
                .isPresent();
    }

    @Override
    public PackedTensor upload(PackedMatrix matrix, Tensor room) {
        DeviceTensor target = DeviceTensor.of(room);
        BlockFormat format = matrix.format();
        PackedFormat words = PackedFormat.of(format, matrix.columns())
                .orElseThrow(() -> new IllegalArgumentException(format.name() + " has no kernels on a GPU"));
        if (target.bytes() < matrix.byteSize()) {
            throw new IllegalArgumentException(
                    matrix.byteSize() + " packed bytes do not fit into " + target.bytes() + " bytes");
        }
        queue.run(lane -> queue.order(
                lane,
                List.of(),
                List.of(target.block()),
                () -> lane.upload(matrix.bytes().asSlice(0, matrix.byteSize()), target.address())));
        return new Packed(
                format,
                new PackedProduct.Weights(
                        words, target, format.rowBytes(matrix.columns()), matrix.rows(), matrix.columns()));
    }

    @Override
    public void matmul(Tensor x, PackedTensor w, Tensor y) {
        Operands.requireMatmul(x, w, y);
        queue.run(lane -> product.multiply(lane, DeviceTensor.of(x), Packed.of(w), DeviceTensor.of(y)));
    }

    @Override
    public void gatherRows(PackedTensor from, int[] rows, Tensor to) {
        Operands.requireRows(from, rows, to);
        queue.run(lane -> kernels.gather(lane, Packed.of(from), rows, DeviceTensor.of(to)));
    }

    @Override
    public void decode(PackedTensor w, Tensor target) {
        Operands.requireDecode(w, target);
        queue.run(lane -> kernels.decode(lane, Packed.of(w), DeviceTensor.of(target)));
    }
}
