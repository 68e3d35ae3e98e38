package org.bitscarp.model.export;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.SafetensorsType;
import org.bitscarp.model.SafetensorsWriter;
import org.bitscarp.quant.GroupedInt;
import org.bitscarp.quant.StoredBlocks;

/**
 * One linear map as GPTQ's four tensors. Codes, scales and zero points are moved, not computed: the file decodes to the
 * same floats as the packed rows.
 *
 * <p>Every first dimension of the tensors is along the inputs, so the first word needs all rows: the map is held packed.
 */
final class GptqMatrix {
    /** Programs that read these files pack inputs and outputs in words of 32 bits and 32 codes at a time. */
    private static final int MULTIPLE = 32;

    /** Rows whose words are turned around together. */
    private static final int STRIP = 64;

    private static final long CHUNK_BYTES = 16 << 20;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final ExportTensor tensor;
    private final GroupedInt format;
    private final int out;
    private final int in;
    private final int group;
    private final int groups;
    private final int words;
    private final int[] inputAt;

    /** @throws ModelException for a shape that the layout does not hold */
    GptqMatrix(ExportTensor tensor, GroupedInt format, Optional<int[]> order) throws ModelException {
        this.tensor = tensor;
        this.format = format;
        out = Math.toIntExact(tensor.weight().rows());
        in = Math.toIntExact(tensor.weight().columns());
        group = format.blockLength(in);
        groups = in / group;
        words = in / MULTIPLE * format.bits();
        if (!List.of(2, 3, 4, 8).contains(format.bits())) {
            throw new ModelException(
                    "tensor " + tensor.name() + ": GPTQ files hold 2, 3, 4 or 8 bits, found " + format.name());
        }
        if (in % MULTIPLE != 0 || out % MULTIPLE != 0 || in % group != 0) {
            throw new ModelException("tensor " + tensor.name() + " has " + out + " outputs and " + in
                    + " inputs; GPTQ files need multiples of 32, and inputs a multiple of the group size " + group
                    + ": choose another group size, or leave the tensor as it is");
        }
        inputAt = order.orElse(null);
        if (inputAt != null) {
            checkPermutation();
        }
    }

    private void checkPermutation() {
        int[] sorted = inputAt.clone();
        Arrays.sort(sorted);
        for (int i = 0; i < in; i++) {
            if (sorted.length != in || sorted[i] != i) {
                throw new IllegalArgumentException(tensor.name() + ": the order of its inputs is no permutation");
            }
        }
    }

    private String module() {
        return tensor.name().substring(0, tensor.name().length() - ".weight".length());
    }

    /** The tensors of the file. */
    List<SafetensorsWriter.Tensor> tensors() {
        long zeroWords = (long) out / MULTIPLE * format.bits();
        return List.of(
                new SafetensorsWriter.Tensor(
                        module() + ".qweight", SafetensorsType.I32, List.of((long) words, (long) out)),
                new SafetensorsWriter.Tensor(
                        module() + ".qzeros", SafetensorsType.I32, List.of((long) groups, zeroWords)),
                new SafetensorsWriter.Tensor(
                        module() + ".scales", SafetensorsType.F16, List.of((long) groups, (long) out)),
                new SafetensorsWriter.Tensor(module() + ".g_idx", SafetensorsType.I32, List.of((long) in)));
    }

    /**
     * Packs and writes the map.
     *
     * @return zero points that wrapped
     */
    long write(int version, WeightEncoder encoder, SafetensorsWriter writer) throws IOException {
        StoredBlocks blocks = new StoredBlocks(format, group);
        long rowBytes = blocks.byteSize(in);
        int chunk = (int) Math.max(STRIP, Math.min(out, CHUNK_BYTES / rowBytes / STRIP * STRIP));
        long wrapped = 0;
        try (Arena arena = Arena.ofShared()) {
            MemorySegment qweight = arena.allocate(4L * words * out, 64);
            MemorySegment scales = arena.allocate(2L * groups * out, 64);
            MemorySegment zeros = arena.allocate((long) groups * out, 64);
            MemorySegment rows = arena.allocate(chunk * rowBytes, 64);
            for (int row = 0; row < out; row += chunk) {
                int n = Math.min(chunk, out - row);
                encoder.encode(tensor, blocks, row, n, rows.asSlice(0, n * rowBytes));
                for (int strip = 0; strip < n; strip += STRIP) {
                    int lines = Math.min(STRIP, n - strip);
                    turn(rows, strip * rowBytes, rowBytes, row + strip, lines, qweight, scales, zeros);
                }
            }
            List<SafetensorsWriter.Tensor> tensors = tensors();
            writer.write(tensors.get(0).name(), qweight);
            MemorySegment packedZeros = arena.allocate(tensors.get(1).byteSize(), 64);
            wrapped = packZeros(zeros, version == 1 ? 1 : 0, packedZeros);
            writer.write(tensors.get(1).name(), packedZeros);
            writer.write(tensors.get(2).name(), scales);
            MemorySegment groupOf = arena.allocate(4L * in, 64);
            for (int at = 0; at < in; at++) {
                groupOf.set(INT, 4L * (inputAt == null ? at : inputAt[at]), at / group);
            }
            writer.write(tensors.get(3).name(), groupOf);
        }
        return wrapped;
    }

    /** Takes packed rows apart: words go into columns, scales and zero points to their groups. */
    private void turn(
            MemorySegment rows,
            long offset,
            long rowBytes,
            int firstRow,
            int lines,
            MemorySegment qweight,
            MemorySegment scales,
            MemorySegment zeros) {
        int[] strip = new int[lines * words];
        int[] codes = new int[in];
        for (int line = 0; line < lines; line++) {
            long at = offset + line * rowBytes;
            for (int g = 0; g < groups; g++, at += format.blockBytes(group)) {
                long place = (long) g * out + firstRow + line;
                MemorySegment.copy(rows, at, scales, 2 * place, 2);
                zeros.set(ValueLayout.JAVA_BYTE, place, (byte) zero(rows, at));
                long codesAt = at + format.blockBytes(group) - ((long) group * format.bits() + 7) / 8;
                unpack(rows, codesAt, codes, g * group);
            }
            pack(codes, strip, line * words);
        }
        for (int word = 0; word < words; word++) {
            long column = ((long) word * out + firstRow) * 4;
            for (int line = 0; line < lines; line++) {
                qweight.set(INT, column + 4L * line, strip[line * words + word]);
            }
        }
    }

    private int zero(MemorySegment rows, long block) {
        if (format.symmetric()) {
            return 1 << format.bits() - 1;
        }
        int zero = rows.get(ValueLayout.JAVA_BYTE, block + 2) & 0xFF;
        if (zero >= 1 << format.bits()) {
            throw new IllegalStateException(tensor.name() + ": a zero point of " + zero + " is no code of " + format);
        }
        return zero;
    }

    /** The codes of one block, a bit stream, to the inputs that they belong to. */
    private void unpack(MemorySegment rows, long offset, int[] codes, int first) {
        int bits = format.bits();
        int mask = (1 << bits) - 1;
        int pending = 0;
        int held = 0;
        for (int i = first; i < first + group; i++) {
            if (held < bits) {
                pending |= (rows.get(ValueLayout.JAVA_BYTE, offset++) & 0xFF) << held;
                held += 8;
            }
            codes[inputAt == null ? i : inputAt[i]] = pending & mask;
            pending >>>= bits;
            held -= bits;
        }
    }

    private void pack(int[] codes, int[] target, int first) {
        int bits = format.bits();
        long pending = 0;
        int held = 0;
        for (int code : codes) {
            pending |= (long) code << held;
            held += bits;
            if (held >= 32) {
                target[first++] = (int) pending;
                pending >>>= 32;
                held -= 32;
            }
        }
    }

    private long packZeros(MemorySegment zeros, int subtracted, MemorySegment target) {
        int mask = (1 << format.bits()) - 1;
        int[] codes = new int[out];
        int[] packed = new int[out / MULTIPLE * format.bits()];
        long wrapped = 0;
        for (int g = 0; g < groups; g++) {
            for (int row = 0; row < out; row++) {
                int zero = zeros.get(ValueLayout.JAVA_BYTE, (long) g * out + row) & 0xFF;
                wrapped += zero < subtracted ? 1 : 0;
                codes[row] = zero - subtracted & mask;
            }
            pack(codes, packed, 0);
            MemorySegment.copy(packed, 0, target, INT, 4L * g * packed.length, packed.length);
        }
        return wrapped;
    }
}
