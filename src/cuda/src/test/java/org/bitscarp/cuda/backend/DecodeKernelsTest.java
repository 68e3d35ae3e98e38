package org.bitscarp.cuda.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.NumberFormat;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.ggml.GgmlFormat;
import org.bitscarp.quant.ggml.GgmlTypes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Decoding on the device gives the floats of the scalar decoders bit for bit, whatever the packed bytes are. */
class DecodeKernelsTest {
    private static final long SEED = 20240611;
    private static final int[] WIDTHS = {1, 7, 31, 33, 129, 256};

    /** Every format, groups that octets divide and that they do not. */
    static Stream<BlockFormat> formats() {
        List<BlockFormat> formats = new ArrayList<>();
        for (int bits = 2; bits <= 8; bits++) {
            for (String words : new String[] {"", ":sym", ":g32", ":row", ":g5:sym"}) {
                formats.add(Level.parse("int" + bits + words).format());
            }
        }
        for (String text : new String[] {
            "nf4",
            "nf4:g7",
            "nf4:row",
            "ternary",
            "ternary:g12",
            "ternary:row",
            "ternary:tensor",
            "fp32",
            "fp16",
            "bf16"
        }) {
            formats.add(Level.parse(text).format());
        }
        formats.addAll(GgmlTypes.ALL);
        return formats.stream();
    }

    private static int[] widths(BlockFormat format) {
        return format instanceof GgmlFormat ggml ? new int[] {ggml.blockLength(), 3 * ggml.blockLength()} : WIDTHS;
    }

    private static PackedMatrix random(BlockFormat format, int rows, int columns, SplittableRandom random) {
        byte[] bytes = new byte[Math.toIntExact(rows * format.rowBytes(columns))];
        random.nextBytes(bytes);
        return new PackedMatrix(format, rows, columns, MemorySegment.ofArray(bytes));
    }

    @ParameterizedTest
    @MethodSource("formats")
    void equalsTheScalarDecoder(BlockFormat format) {
        SplittableRandom random = new SplittableRandom(SEED);
        try (KernelBed bed = new KernelBed(random.nextBoolean() ? 80 : 75)) {
            Decoding decoding = new Decoding(bed.launcher);
            for (int columns : widths(format)) {
                int rows = 3;
                PackedMatrix packed = random(format, rows, columns, random);
                DeviceTensor target = bed.tensor(rows, columns);
                decoding.decode(bed.lane, packed, 1, rows, target);
                float[] found = bed.values(target);
                float[] expected = new float[columns];
                for (int row = 1; row < rows; row++) {
                    packed.decodeRow(row, expected);
                    for (int i = 0; i < columns; i++) {
                        assertEquals(expected[i], found[row * columns + i], format + ", row of " + columns + ", " + i);
                    }
                }
            }
        }
    }

    /** What a test calls every format is every format that a level can name. */
    @Test
    void everyFormatHasAKernel() {
        formats()
                .forEach(format -> assertEquals(
                        true,
                        PackedFormat.of(format, format instanceof GgmlFormat ? 256 : 8)
                                .isPresent(),
                        format.name()));
    }

    @ParameterizedTest
    @MethodSource("halves")
    void roundsToSixteenBits(DenseType type, NumberFormat number) {
        SplittableRandom random = new SplittableRandom(SEED);
        int columns = 520;
        BlockFormat format = Level.parse("fp32").format();
        PackedMatrix packed = random(format, 1, columns, random);
        try (KernelBed bed = new KernelBed(80)) {
            DeviceTensor bytes = bed.bytes(packed.bytes().toArray(ValueLayout.JAVA_BYTE));
            DeviceTensor target = bed.tensor(1, columns / 2);
            PackedProduct.Weights w = new PackedProduct.Weights(
                    PackedFormat.of(format, columns).orElseThrow(), bytes, 4L * columns, 1, columns);
            new PackedKernels(bed.launcher).decode(bed.lane, w, 0, 1, type, target.address());
            MemorySegment found = MemorySegment.ofArray(bed.values(target));
            for (int i = 0; i < columns; i++) {
                float weight = packed.bytes().get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * i);
                MemorySegment expected = MemorySegment.ofArray(new byte[2]);
                number.put(expected, 0, weight);
                assertEquals(number.get(expected, 0), number.get(found, 2L * i), type + " of " + weight);
            }
        }
    }

    static Stream<Arguments> halves() {
        return Stream.of(
                Arguments.of(DenseType.FP16, NumberFormat.FP16), Arguments.of(DenseType.BF16, NumberFormat.BF16));
    }
}
