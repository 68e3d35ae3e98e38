package org.bitscarp.cuda.emulated;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.bitscarp.cuda.driver.GpuFunction;
import org.junit.jupiter.api.Test;

/** Tiles against their definition: fragments are filled by the figures of PTX ISA 9.7.13.4, register by register. */
class MatrixTest {
    /** Sums of 16 products of numbers below 8 in fp32, each exact: 16 roundings of values below 1024. */
    private static final float TOLERANCE = 16 * 1024 * 0x1p-24f;

    private final float[][] a = new float[16][16];
    private final float[][] b = new float[16][8];
    private final float[][] c = new float[16][8];

    private void fill(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (float[][] matrix : new float[][][] {a, b, c}) {
            for (float[] row : matrix) {
                for (int j = 0; j < row.length; j++) {
                    // Seven bits: exact in fp16, bf16 and tf32.
                    row[j] = random.nextInt(-63, 64) / 8f;
                }
            }
        }
    }

    private static int pair(float low, float high, boolean brain) {
        return brain
                ? Float.floatToRawIntBits(low) >>> 16 | Float.floatToRawIntBits(high) & 0xffff0000
                : Float.floatToFloat16(low) & 0xffff | Float.floatToFloat16(high) << 16;
    }

    /** Figures for m16n8k16 of 16-bit types: a0 … a7, b0 … b3. */
    private int[] fragments16(int lane, boolean brain) {
        int g = lane / 4;
        int t = lane % 4 * 2;
        return new int[] {
            pair(a[g][t], a[g][t + 1], brain),
            pair(a[g + 8][t], a[g + 8][t + 1], brain),
            pair(a[g][t + 8], a[g][t + 9], brain),
            pair(a[g + 8][t + 8], a[g + 8][t + 9], brain),
            pair(b[t][g], b[t + 1][g], brain),
            pair(b[t + 8][g], b[t + 9][g], brain)
        };
    }

    /** Figures for m16n8k8 of tf32: a0 … a3, b0, b1. */
    private int[] fragments32(int lane) {
        int g = lane / 4;
        int t = lane % 4;
        float[] values = {a[g][t], a[g + 8][t], a[g][t + 4], a[g + 8][t + 4], b[t][g], b[t + 4][g]};
        int[] bits = new int[6];
        for (int i = 0; i < 6; i++) {
            // The lower 13 bits are not part of a tf32 number.
            bits[i] = Float.floatToRawIntBits(values[i]) | 0x1fff;
        }
        return bits;
    }

    private void check(String opcode, int k, java.util.function.IntFunction<int[]> fragments) {
        fill(k);
        try (Bed bed = new Bed()) {
            GpuFunction f = bed.kernel(".param .u64 out, .param .u64 in", """
                    .reg .b32 %r<20>; .reg .b64 %rd<8>;
                    ld.param.u64 %rd1, [out]; ld.param.u64 %rd2, [in];
                    mov.u32 %r0, %tid.x;
                    mad.wide.u32 %rd3, %r0, 16, %rd1; mad.wide.u32 %rd4, %r0, 64, %rd2;
                    ld.global.v4.u32 {%r1,%r2,%r3,%r4}, [%rd4];
                    ld.global.v2.u32 {%r5,%r6}, [%rd4+16];
                    ld.global.v4.u32 {%r7,%r8,%r9,%r10}, [%rd4+32];
                    OPCODE {%r7,%r8,%r9,%r10}, {%r1,%r2,%r3,%r4}, {%r5,%r6}, {%r7,%r8,%r9,%r10};
                    st.global.v4.u32 [%rd3], {%r7,%r8,%r9,%r10};
                    """.replace("OPCODE", opcode));
            int[] input = new int[32 * 16];
            for (int lane = 0; lane < 32; lane++) {
                System.arraycopy(fragments.apply(lane), 0, input, 16 * lane, 6);
                for (int i = 0; i < 4; i++) {
                    input[16 * lane + 8 + i] = Float.floatToRawIntBits(c[lane / 4 + 8 * (i / 2)][lane % 4 * 2 + i % 2]);
                }
            }
            long out = bed.buffer(new int[128]);
            bed.launch(f, 1, 32, out, bed.buffer(input));
            float[] d = bed.readFloats(out, 128);
            for (int i = 0; i < 128; i++) {
                int row = i / 4 / 4 + 8 * (i % 4 / 2);
                int column = i / 4 % 4 * 2 + i % 2;
                double sum = c[row][column];
                for (int j = 0; j < k; j++) {
                    sum += (double) a[row][j] * b[j][column];
                }
                assertTrue(
                        Math.abs(sum - d[i]) <= TOLERANCE,
                        opcode + " [" + row + "][" + column + "]: " + d[i] + ", " + sum);
            }
        }
    }

    @Test
    void products() {
        check("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32", 16, lane -> fragments16(lane, false));
        check("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32", 16, lane -> fragments16(lane, true));
        check("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32", 8, this::fragments32);
    }

    @Test
    void loadsOfMatrices() {
        for (boolean transposed : new boolean[] {false, true}) {
            try (Bed bed = new Bed()) {
                GpuFunction f = bed.kernel(".param .u64 out", """
                        .reg .b16 %rs<4>; .reg .b32 %r<20>; .reg .b64 %rd<8>;
                        .shared .align 16 .b8 tile[512];
                        ld.param.u64 %rd1, [out]; mov.u32 %r0, %tid.x; mov.u32 %r1, tile;
                        mad.lo.s32 %r2, %r0, 16, %r1; mul.lo.s32 %r3, %r0, 8; mov.u32 %r4, 0;
                        LOOP: add.s32 %r5, %r3, %r4; cvt.u16.u32 %rs1, %r5; mad.lo.s32 %r6, %r4, 2, %r2;
                        st.shared.u16 [%r6], %rs1; add.s32 %r4, %r4, 1;
                        .reg .pred %p; setp.lt.u32 %p, %r4, 8; @%p bra LOOP;
                        bar.warp.sync -1;
                        ldmatrix.sync.aligned.m8n8.x4TRANS.shared.b16 {%r7,%r8,%r9,%r10}, [%r2];
                        mad.wide.u32 %rd2, %r0, 16, %rd1;
                        st.global.v4.u32 [%rd2], {%r7,%r8,%r9,%r10};
                        """.replace("TRANS", transposed ? ".trans" : ""));
                long out = bed.buffer(new int[128]);
                bed.launch(f, 1, 32, out);
                int[] d = bed.read(out, 128);
                for (int lane = 0; lane < 32; lane++) {
                    for (int m = 0; m < 4; m++) {
                        int g = lane / 4;
                        int t = lane % 4 * 2;
                        // Element [row][column] of matrix m is 64·m + 8·row + column.
                        int low = 64 * m + (transposed ? 8 * t + g : 8 * g + t);
                        int high = 64 * m + (transposed ? 8 * (t + 1) + g : 8 * g + t + 1);
                        assertEquals(low | high << 16, d[4 * lane + m], "lane " + lane + ", matrix " + m);
                    }
                }
            }
        }
    }

    @Test
    void copiesFillUpWithZeros() {
        try (Bed bed = new Bed()) {
            GpuFunction f = bed.kernel(".param .u64 out, .param .u64 in", """
                    .reg .b32 %r<20>; .reg .b64 %rd<8>;
                    .shared .align 16 .b8 tile[64];
                    ld.param.u64 %rd1, [out]; ld.param.u64 %rd2, [in]; mov.u32 %r1, tile;
                    cp.async.cg.shared.global [%r1], [%rd2], 16, 8;
                    cp.async.commit_group;
                    cp.async.ca.shared.global [%r1+16], [%rd2], 4;
                    cp.async.ca.shared.global [%r1+20], [%rd2], 4, 0;
                    cp.async.commit_group;
                    cp.async.wait_group 1;
                    ld.shared.v4.u32 {%r2,%r3,%r4,%r5}, [%r1];
                    cp.async.wait_all;
                    ld.shared.v2.u32 {%r6,%r7}, [%r1+16];
                    st.global.v4.u32 [%rd1], {%r2,%r3,%r4,%r5}; st.global.v2.u32 [%rd1+16], {%r6,%r7};
                    """);
            long out = bed.buffer(new int[6]);
            bed.launch(f, 1, 1, out, bed.buffer(11, 12));
            assertEquals("[11, 12, 0, 0, 11, 0]", java.util.Arrays.toString(bed.read(out, 6)));
        }
    }
}
