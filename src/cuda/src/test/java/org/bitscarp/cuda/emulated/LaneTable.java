package org.bitscarp.cuda.emulated;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.SplittableRandom;
import org.bitscarp.cuda.driver.GpuFunction;

/** Runs one instruction on many operands and compares each result with a function in Java. */
final class LaneTable {
    /** Integers at the edges of every width. */
    static final int[] INTEGERS = {
        0,
        1,
        2,
        3,
        7,
        8,
        15,
        16,
        31,
        32,
        33,
        127,
        128,
        255,
        256,
        32767,
        32768,
        65535,
        65536,
        0x7fffffff,
        0x80000000,
        0x80000001,
        -1,
        -2,
        -128,
        -129,
        -32768,
        0x12345678,
        0xdeadbeef,
        0x00ff00ff
    };
    /** Floats: zeros, subnormals, ties of fp16 and bf16, limits, infinities, NaN. */
    static final float[] FLOATS = {
        0f,
        -0f,
        1f,
        -1f,
        0.5f,
        -0.5f,
        1.5f,
        2.5f,
        -2.5f,
        3.5f,
        0.1f,
        -0.1f,
        1e-45f,
        -1e-45f,
        1e-39f,
        0x1p-126f,
        1e-8f,
        5.96e-8f,
        2.98e-8f,
        2.9802326e-8f,
        6.1e-5f,
        1.00048828125f,
        1.0014648f,
        1.00390625f,
        1.01171875f,
        65504f,
        65519f,
        65520f,
        -65520f,
        3.3895314e38f,
        3.4e38f,
        0x1.fffffep127f,
        123456.79f,
        -98765.43f,
        2147483648f,
        4294967040f,
        1e10f,
        255.5f,
        -128.5f,
        Float.POSITIVE_INFINITY,
        Float.NEGATIVE_INFINITY,
        Float.NaN
    };

    @FunctionalInterface
    interface Truth {
        long of(long a, long b, long c);
    }

    private LaneTable() {}

    static int[] floatBits() {
        int[] bits = new int[FLOATS.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToRawIntBits(FLOATS[i]);
        }
        return bits;
    }

    /** Every value followed by seeded random bits. */
    static int[] withRandom(int[] values, long seed) {
        int[] more = new int[values.length + 40];
        System.arraycopy(values, 0, more, 0, values.length);
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = values.length; i < more.length; i++) {
            more[i] = random.nextInt();
        }
        return more;
    }

    /**
     * @param instruction from {@code %r1}, {@code %r2}, {@code %r3} to {@code %r0}, all of 32 bits
     * @param nan whether any NaN (as a float) is as good as another
     */
    static void words(String instruction, int[] values, boolean nan, Truth truth) {
        run(instruction, values, 0, nan, truth);
    }

    /** From 64-bit {@code %rd1} and {@code %rd2}, which combine two of the values each, and {@code %r3}, to {@code %rd0}. */
    static void quads(String instruction, int[] values, boolean nan, Truth truth) {
        run(instruction, values, 1, nan, truth);
    }

    private static void run(String instruction, int[] values, int wide, boolean nan, Truth truth) {
        int n = values.length;
        int count = n * n;
        long[][] operands = new long[3][count];
        for (int i = 0; i < count; i++) {
            int a = values[i % n];
            int b = values[i / n];
            operands[0][i] = wide == 0 ? a : (long) a << 32 | (values[(i * 7 + 3) % n] & 0xffffffffL);
            operands[1][i] = wide == 0 ? b : (long) b << 32 | (values[(i * 5 + 1) % n] & 0xffffffffL);
            operands[2][i] = values[(i * 11 + 5) % n];
        }
        try (Bed bed = new Bed()) {
            GpuFunction f = bed.kernel(
                    ".param .u64 out, .param .u64 in",
                    """
                    .reg .pred %p<4>; .reg .b16 %rs<8>; .reg .b32 %r<20>; .reg .b64 %rd<20>;
                    ld.param.u64 %rd10, [out]; ld.param.u64 %rd11, [in];
                    mov.u32 %r10, %ctaid.x; mov.u32 %r11, %ntid.x; mov.u32 %r12, %tid.x;
                    mad.lo.s32 %r13, %r10, %r11, %r12;
                    mul.wide.u32 %rd12, %r13, 8;
                    add.s64 %rd13, %rd10, %rd12;
                    add.s64 %rd14, %rd11, %rd12;
                    ld.global.u64 %rd1, [%rd14];
                    ld.global.u64 %rd2, [%rd14+STRIDE];
                    ld.global.u64 %rd3, [%rd14+TWICE];
                    cvt.u32.u64 %r1, %rd1; cvt.u32.u64 %r2, %rd2; cvt.u32.u64 %r3, %rd3;
                    """.replace("STRIDE", "" + 8 * padded(count)).replace("TWICE", "" + 16 * padded(count))
                            + instruction + (wide == 0 ? "\ncvt.u64.u32 %rd0, %r0;" : "")
                            + "\nst.global.u64 [%rd13], %rd0;");
            int[] input = new int[6 * padded(count)];
            for (int k = 0; k < 3; k++) {
                for (int i = 0; i < count; i++) {
                    input[2 * (k * padded(count) + i)] = (int) operands[k][i];
                    input[2 * (k * padded(count) + i) + 1] = (int) (operands[k][i] >>> 32);
                }
            }
            long out = bed.buffer(new int[2 * padded(count)]);
            bed.launch(f, padded(count) / 64, 64, out, bed.buffer(input));
            int[] result = bed.read(out, 2 * count);
            for (int i = 0; i < count; i++) {
                long got = wide == 0 ? result[2 * i] : (long) result[2 * i + 1] << 32 | (result[2 * i] & 0xffffffffL);
                long expected = truth.of(operands[0][i], operands[1][i], operands[2][i]);
                expected = wide == 0 ? (int) expected : expected;
                if (!(nan && bothNaN(wide, got, expected))) {
                    String where = String.format(
                            "%s of 0x%x, 0x%x, 0x%x", instruction, operands[0][i], operands[1][i], operands[2][i]);
                    assertEquals(Long.toHexString(expected), Long.toHexString(got), where);
                }
            }
        }
    }

    private static boolean bothNaN(int wide, long a, long b) {
        return wide == 0
                ? Float.isNaN(Float.intBitsToFloat((int) a)) && Float.isNaN(Float.intBitsToFloat((int) b))
                : Double.isNaN(Double.longBitsToDouble(a)) && Double.isNaN(Double.longBitsToDouble(b));
    }

    private static int padded(int count) {
        return (count + 63) / 64 * 64;
    }
}
