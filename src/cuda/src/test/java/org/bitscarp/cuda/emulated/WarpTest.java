package org.bitscarp.cuda.emulated;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.bitscarp.cuda.driver.GpuFunction;
import org.junit.jupiter.api.Test;

/** What lanes, warps and blocks do together, and where control flow goes. Each thread stores {@code %r0}. */
class WarpTest {
    private static final String HEAD = """
            .reg .pred %p<8>; .reg .b32 %r<20>; .reg .b64 %rd<8>;
            .shared .align 16 .b8 tile[512];
            .local .align 8 .b8 depot[16];
            ld.param.u64 %rd1, [out];
            mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x; mov.u32 %r3, %ntid.x; mov.u32 %r10, %laneid;
            mad.lo.s32 %r4, %r2, %r3, %r1;
            mul.wide.u32 %rd2, %r4, 4;
            add.s64 %rd3, %rd1, %rd2;
            """;

    private static int[] run(int blocks, int threads, String body) {
        try (Bed bed = new Bed()) {
            GpuFunction f = bed.kernel(".param .u64 out", HEAD + body + "\nst.global.u32 [%rd3], %r0;");
            long out = bed.buffer(new int[blocks * threads]);
            bed.launch(f, blocks, threads, out);
            return bed.read(out, blocks * threads);
        }
    }

    private static void check(String body, IntUnaryOperator truth) {
        assertArrayEquals(IntStream.range(0, 64).map(truth).toArray(), run(1, 64, body), body);
    }

    @Test
    void shuffles() {
        check("shfl.sync.bfly.b32 %r0, %r1, 5, 31, -1;", i -> i ^ 5);
        check("shfl.sync.idx.b32 %r0, %r1, 3, 31, -1;", i -> i / 32 * 32 + 3);
        check("shfl.sync.down.b32 %r0|%p1, %r1, 4, 31, -1;", i -> i % 32 < 28 ? i + 4 : i);
        check("shfl.sync.up.b32 %r0|%p1, %r1, 4, 0, -1; @!%p1 mov.u32 %r0, 99;", i -> i % 32 >= 4 ? i - 4 : 99);
        // Segments of 8 lanes: mask 0x18 in bits 8 to 12.
        check("shfl.sync.down.b32 %r0, %r1, 3, 6175, -1;", i -> i % 8 < 5 ? i + 3 : i);
        check("shfl.sync.idx.b32 %r0, %r1, 2, 6175, -1;", i -> i / 8 * 8 + 2);
        // The same with a mask for each group of 8, which come together and one after the other.
        String ownMask = "and.b32 %r5, %r10, 24; shl.b32 %r5, 255, %r5; ";
        check(ownMask + "shfl.sync.idx.b32 %r0, %r1, 2, 6175, %r5;", i -> i / 8 * 8 + 2);
        check(ownMask + """
                        shr.u32 %r6, %r10, 3; mov.u32 %r0, %r1;
                        LOOP: setp.eq.s32 %p1, %r6, 0; @%p1 bra DONE;
                        shfl.sync.down.b32 %r0, %r0, 1, 6175, %r5;
                        sub.s32 %r6, %r6, 1; bra.uni LOOP;
                        DONE:""", i -> Math.min(i / 8 * 8 + 7, i + i % 32 / 8));
    }

    @Test
    void votesAndReductions() {
        String odd = "and.b32 %r5, %r10, 1; setp.ne.s32 %p1, %r5, 0; ";
        check(odd + "vote.sync.ballot.b32 %r0, %p1, -1;", i -> 0xaaaaaaaa);
        check(odd + "vote.sync.any.pred %p2, %p1, -1; selp.b32 %r0, 1, 0, %p2;", i -> 1);
        check(odd + "vote.sync.all.pred %p2, !%p1, -1; selp.b32 %r0, 1, 0, %p2;", i -> 0);
        check("redux.sync.add.s32 %r0, %r10, -1;", i -> 496);
        check("redux.sync.max.u32 %r0, %r10, -1;", i -> 31);
        check("shr.u32 %r5, %r10, 3; match.any.sync.b32 %r0, %r5, -1;", i -> 0xff << i % 32 / 8 * 8);
        check(odd + "@%p1 activemask.b32 %r0; @!%p1 mov.u32 %r0, 7;", i -> i % 2 == 1 ? 0xaaaaaaaa : 7);
    }

    @Test
    void lanesPartAndMeetAgain() {
        check(
                """
                mov.u32 %r0, 0; mov.u32 %r5, 0;
                LOOP: setp.gt.s32 %p1, %r5, %r10; @%p1 bra DONE;
                add.s32 %r0, %r0, %r5; add.s32 %r5, %r5, 1; bra.uni LOOP;
                DONE: shfl.sync.bfly.b32 %r0, %r0, 1, 31, -1;""",
                i -> {
                    int partner = i % 32 ^ 1;
                    return partner * (partner + 1) / 2;
                });
        check("""
                and.b32 %r5, %r1, 3;
                TABLE: .branchtargets A, B, C, B;
                brx.idx %r5, TABLE;
                A: mov.u32 %r0, 10; bra END;
                B: mov.u32 %r0, 20; bra END;
                C: mov.u32 %r0, 30;
                END:""", i -> new int[] {10, 20, 30, 20}[i % 4]);
    }

    @Test
    void blocksMeet() {
        check("bar.sync 0; setp.lt.u32 %p1, %r1, 40; bar.red.popc.u32 %r0, 0, %p1;", i -> 40);
        check(
                "mov.u32 %r6, tile; mad.lo.s32 %r7, %r1, 4, %r6; st.shared.u32 [%r7], %r1; bar.sync 0;"
                        + "xor.b32 %r8, %r1, 63; mad.lo.s32 %r7, %r8, 4, %r6; ld.shared.u32 %r0, [%r7];",
                i -> 63 - i);
    }

    @Test
    void genericAddresses() {
        check(
                "mov.u64 %rd4, depot; cvta.local.u64 %rd5, %rd4; st.u32 [%rd5+8], %r1; ld.local.u32 %r0, [%rd4+8];",
                i -> i);
        check(
                "mov.u64 %rd4, tile; cvta.shared.u64 %rd5, %rd4; mad.wide.u32 %rd6, %r1, 4, %rd5;"
                        + "st.u32 [%rd6], %r1; cvta.to.shared.u64 %rd7, %rd6; ld.shared.u32 %r0, [%rd7];",
                i -> i);
    }

    @Test
    void vectorsAndNarrowLoads() {
        check(
                "mov.u32 %r6, tile; mad.lo.s32 %r7, %r1, 8, %r6; not.b32 %r8, %r1; st.shared.v2.u32 [%r7], {%r1, %r8};"
                        + "ld.shared.s8 %r0, [%r7+4];",
                i -> (byte) ~i);
        check(
                "mov.u32 %r6, tile; mad.lo.s32 %r7, %r1, 8, %r6; not.b32 %r8, %r1; st.shared.v2.u32 [%r7], {%r8, %r1};"
                        + "ld.shared.v2.u32 {%r9, %r0}, [%r7];",
                i -> i);
    }

    @Test
    void atomicSumsDoNotDependOnThreads() {
        int[] first = null;
        for (int threads = 1; threads <= 4; threads++) {
            try (Bed bed = new Bed(threads)) {
                GpuFunction f = bed.kernel(
                        ".param .u64 out",
                        HEAD + "cvt.rn.f32.s32 %r5, %r4; mul.f32 %r6, %r5, 0f3DCCCCCD; red.global.add.f32 [%rd1], %r6;"
                                + "atom.global.add.u32 %r7, [%rd1+4], 1; atom.global.max.u32 %r7, [%rd1+8], %r4;"
                                + "atom.global.cas.b32 %r7, [%rd1+12], 0, %r4;");
                long out = bed.buffer(new int[4]);
                bed.launch(f, 50, 96, out);
                int[] sums = bed.read(out, 4);
                first = first == null ? sums : first;
                assertArrayEquals(first, sums);
            }
        }
        assertEquals(4800, first[1]);
        assertEquals(4799, first[2]);
        assertEquals(1, first[3]);
        assertEquals(0.1 * 4800 * 4799 / 2, Float.intBitsToFloat(first[0]), 1e3);
    }

    @Test
    void constantTablesAndModuleVariables() {
        try (Bed bed = new Bed()) {
            String ptx = """
                    .version 7.0
                    .target sm_80
                    .address_size 64
                    .const .align 4 .f32 table[4] = {0f3F800000, 0f40000000, 0f40400000};
                    .global .align 4 .b8 bytes[4] = {1, 0x02, 255, 4};
                    .visible .entry k(.param .u64 out) {
                    .reg .b32 %r<8>; .reg .b64 %rd<8>;
                    ld.param.u64 %rd1, [out];
                    ld.const.f32 %r1, [table+8];
                    mov.u64 %rd2, table; ld.const.u32 %r2, [%rd2+12];
                    ld.global.u8 %r3, [bytes+2];
                    st.global.v2.u32 [%rd1], {%r1, %r2}; st.global.u32 [%rd1+8], %r3;
                    ret;
                    }
                    """;
            long out = bed.buffer(new int[4]);
            try (var module = bed.driver.load("tables", ptx)) {
                bed.launch(module.function("k"), 1, 1, out);
            }
            int[] read = bed.read(out, 3);
            assertArrayEquals(new int[] {Float.floatToRawIntBits(3f), 0, 255}, read);
        }
    }
}
