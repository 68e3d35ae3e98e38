package org.bitscarp.cuda.emulated;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.math.BigDecimal;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** PTX that the compiler writes for layer operations. */
class CompilerHabitsTest {
    private static final String START = """
            .reg .pred %p<4>; .reg .b32 %r<8>; .reg .f32 %f<8>; .reg .b64 %rd<16>;
            ld.param.u64 %rd1, [a];
            mov.u32 %r1, %tid.x;
            mul.wide.u32 %rd2, %r1, 16;
            add.s64 %rd3, %rd1, %rd2;
            """;

    private static int[] run(int[] values, String body) {
        try (Bed bed = new Bed()) {
            long buffer = bed.buffer(values);
            bed.launch(bed.kernel(".param .u64 a", START + body), 1, values.length / 4, buffer);
            return bed.read(buffer, values.length);
        }
    }

    @Test
    void aPragmaBehindALabel() {
        int[] found = run(new int[4], """
                mov.u32 %r2, 0;
                LOOP:
                .pragma "nounroll";
                add.s32 %r2, %r2, 3;
                setp.lt.s32 %p1, %r2, 10;
                @%p1 bra LOOP;
                st.global.u32 [%rd3], %r2;
                """);
        assertArrayEquals(new int[] {12, 0, 0, 0}, found);
    }

    @Test
    void aConversionTakesTheLowHalfOfAWideRegister() {
        int[] found = run(new int[] {-5, 7, 0, 0}, """
                ld.global.u64 %rd4, [%rd3];
                cvt.s64.s32 %rd5, %rd4;
                st.global.u64 [%rd3+8], %rd5;
                """);
        assertArrayEquals(new int[] {-5, 7, -5, -1}, found);
    }

    @Test
    void fieldsOfSixtyFourBits() {
        int[] found = run(new int[] {0x89abcdef, 0x01234567, -1, -1}, """
                ld.global.u64 %rd4, [%rd3];
                ld.global.u64 %rd5, [%rd3+8];
                bfi.b64 %rd6, %rd4, %rd5, 28, 8;
                st.global.u64 [%rd3], %rd6;
                bfi.b64 %rd7, %rd4, %rd5, 64, 8;
                bfi.b64 %rd7, %rd4, %rd7, 32, 32;
                st.global.u64 [%rd3+8], %rd7;
                """);
        assertArrayEquals(new int[] {-1, 0xfffffffe, -1, 0x89abcdef}, found);
    }

    @Test
    void signsOfDoubles() {
        long minus = Double.doubleToRawLongBits(-3.0);
        long plus = Double.doubleToRawLongBits(2.5);
        int[] found = run(new int[] {(int) minus, (int) (minus >>> 32), (int) plus, (int) (plus >>> 32)}, """
                .reg .f64 %fd<4>;
                ld.global.f64 %fd1, [%rd3];
                ld.global.f64 %fd2, [%rd3+8];
                copysign.f64 %fd3, %fd1, %fd2;
                st.global.f64 [%rd3], %fd3;
                """);
        long both = Double.doubleToRawLongBits(-2.5);
        assertArrayEquals(new int[] {(int) both, (int) (both >>> 32), (int) plus, (int) (plus >>> 32)}, found);
    }

    /** Against the next float below the exact value. */
    @Test
    void multiplyAddRoundedDown() {
        SplittableRandom random = new SplittableRandom(3);
        int[] values = new int[4 * 64];
        int[] expected = new int[values.length];
        for (int i = 0; i < values.length; i += 4) {
            float a = (float) (random.nextDouble() - 0.5);
            float b = i % 8 == 0 ? Math.scalb(a, 1) : (float) (random.nextDouble() * 1e-3);
            float c = i % 16 == 0 ? -a * b : Math.scalb((float) random.nextDouble() - 0.5f, random.nextInt(40) - 20);
            BigDecimal exact = new BigDecimal(a).multiply(new BigDecimal(b)).add(new BigDecimal(c));
            float down = exact.floatValue();
            down = new BigDecimal(down).compareTo(exact) > 0 ? Math.nextDown(down) : down;
            values[i] = expected[i] = Float.floatToRawIntBits(a);
            values[i + 1] = expected[i + 1] = Float.floatToRawIntBits(b);
            values[i + 2] = expected[i + 2] = Float.floatToRawIntBits(c);
            expected[i + 3] = Float.floatToRawIntBits(down);
        }
        int[] found = run(values, """
                ld.global.f32 %f1, [%rd3];
                ld.global.f32 %f2, [%rd3+4];
                ld.global.f32 %f3, [%rd3+8];
                fma.rm.f32 %f4, %f1, %f2, %f3;
                st.global.f32 [%rd3+12], %f4;
                """);
        assertArrayEquals(expected, found);
    }
}
