package org.bitscarp.cuda.emulated;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.bitscarp.cuda.driver.BadModule;
import org.bitscarp.cuda.driver.Block;
import org.bitscarp.cuda.driver.GpuException;
import org.bitscarp.cuda.driver.GpuFunction;
import org.bitscarp.cuda.driver.Grid;
import org.bitscarp.cuda.driver.KernelArguments;
import org.bitscarp.cuda.driver.LaunchFailed;
import org.bitscarp.cuda.driver.OutOfDeviceMemory;
import org.junit.jupiter.api.Test;

/** Everything that the emulated device refuses, each by a kernel that does it, and what is close by and allowed. */
class FaultsTest {
    private static final String REGISTERS = """
            .reg .pred %p<8>; .reg .b16 %rs<8>; .reg .b32 %r<16>; .reg .f32 %f<16>; .reg .b64 %rd<16>;
            .shared .align 16 .b8 tile[512];
            ld.param.u64 %rd1, [a];
            mov.u32 %r1, %tid.x;
            mul.wide.u32 %rd2, %r1, 4;
            add.s64 %rd3, %rd1, %rd2;
            mov.u32 %r3, tile;
            shl.b32 %r4, %r1, 2;
            add.s32 %r5, %r3, %r4;
            setp.lt.u32 %p1, %r1, 32;
            setp.eq.u32 %p2, %r1, 0;
            """;

    private static void passes(int threads, String body) {
        try (Bed bed = new Bed()) {
            bed.launch(bed.kernel(".param .u64 a", REGISTERS + body), 2, threads, bed.buffer(new int[64]));
        }
    }

    private static String fails(int threads, String body, String... parts) {
        try (Bed bed = new Bed()) {
            GpuFunction f = bed.kernel(".param .u64 a", REGISTERS + body);
            long buffer = bed.buffer(new int[64]);
            String message = assertThrows(LaunchFailed.class, () -> bed.launch(f, 2, threads, buffer))
                    .getMessage();
            for (String part : parts) {
                assertTrue(message.contains(part), message);
            }
            return message;
        }
    }

    @Test
    void outsideOfAnAllocation() {
        passes(64, "ld.global.u32 %r9, [%rd3];");
        fails(
                96,
                "ld.global.u32 %r9, [%rd3];",
                "kernel k (grid 2×1×1, block 96×1×1",
                "PTX line 16: ld.global.u32 %r9, [%rd3]",
                "block (0, 0, 0) thread (64, 0, 0)",
                "4 bytes past the end of buffer 0 (256 bytes at 0x");
        fails(32, "st.global.u32 [%rd3+-4], %r1;", "thread (0, 0, 0)", "4 bytes before buffer 0");
        fails(32, "mov.u64 %rd5, 0; ld.global.u32 %r9, [%rd5];", "0x0 are outside");
        fails(32, "ld.shared.u32 %r9, [%r3+510];", "outside of the block's 512 bytes");
    }

    @Test
    void freedMemory() {
        try (Bed bed = new Bed()) {
            GpuFunction f = bed.kernel(".param .u64 a", REGISTERS + "ld.global.u32 %r9, [%rd3];");
            long gone = bed.driver.allocate(256, "gone");
            bed.driver.free(gone);
            String message = assertThrows(LaunchFailed.class, () -> bed.launch(f, 1, 32, gone))
                    .getMessage();
            assertTrue(message.contains("outside of every allocation"), message);
            assertThrows(IllegalArgumentException.class, () -> bed.driver.free(gone));
        }
    }

    @Test
    void misaligned() {
        passes(16, "mul.wide.u32 %rd4, %r1, 16; add.s64 %rd5, %rd1, %rd4; ld.global.v4.u32 {%r6,%r7,%r8,%r9}, [%rd5];");
        fails(16, "ld.global.v4.u32 {%r6,%r7,%r8,%r9}, [%rd1+8];", "not aligned to 16 bytes");
        fails(32, "ld.shared.u32 %r9, [%r3+2];", "not aligned to 4 bytes");
    }

    @Test
    void sharedMemoryThatNobodyWrote() {
        passes(64, "st.shared.u32 [%r5], %r1; bar.sync 0; ld.shared.u32 %r9, [%r3+252];");
        fails(64, "st.shared.u32 [%r5], %r1; bar.sync 0; ld.shared.u32 %r9, [%r3+256];", "before anything is written");
    }

    @Test
    void racesBetweenWarps() {
        String others = "xor.b32 %r6, %r4, 128; add.s32 %r6, %r6, %r3;";
        passes(64, others + "st.shared.u32 [%r5], %r1; bar.sync 0; ld.shared.u32 %r9, [%r6];");
        fails(64, others + "st.shared.u32 [%r5], %r1; ld.shared.u32 %r9, [%r6];", "before anything is written");
        fails(
                64,
                others + "st.shared.u32 [%r5], %r1; bar.sync 0; st.shared.u32 [%r5], %r4; ld.shared.u32 %r9, [%r6];",
                "race: shared address",
                "was read by block (0, 0, 0) thread (0, 0, 0)");
        // Two writers: of one value it is let pass, of two values not.
        passes(64, "mov.u32 %r9, 7; st.shared.u32 [%r3], %r9;");
        fails(
                64,
                "st.shared.u32 [%r3], %r1;",
                "race: shared address 0x0 was written by block (0, 0, 0) thread (0, 0, 0)");
    }

    @Test
    void racesWithinAWarp() {
        String next = "xor.b32 %r6, %r4, 4; add.s32 %r6, %r6, %r3;";
        fails(32, next + "st.shared.u32 [%r5], %r1; ld.shared.u32 %r9, [%r6];", "race: shared address", "was written");
        passes(32, next + "st.shared.u32 [%r5], %r1; bar.warp.sync 0xffffffff; ld.shared.u32 %r9, [%r6];");
        passes(
                32,
                next + "st.shared.u32 [%r5], %r1; bar.warp.sync -1; ld.shared.u32 %r9, [%r6]; bar.warp.sync -1;"
                        + "add.s32 %r9, %r9, 1; st.shared.u32 [%r5], %r9;");
        fails(
                32,
                next + "st.shared.u32 [%r5], %r1; bar.warp.sync -1; ld.shared.u32 %r9, [%r6];"
                        + "add.s32 %r9, %r9, 1; st.shared.u32 [%r5], %r9;",
                "race");
    }

    @Test
    void bytesOfOneWordBelongToSeveralThreads() {
        passes(64, "add.s32 %r6, %r3, %r1; cvt.u16.u32 %rs1, %r1; st.shared.u8 [%r6], %rs1;");
    }

    @Test
    void atomicsDoNotRaceAmongThemselves() {
        String zero = "mov.u32 %r9, 0; @%p2 st.shared.u32 [%r3], %r9; bar.sync 0;";
        passes(64, zero + "red.shared.add.u32 [%r3], %r1;");
        fails(64, zero + "red.shared.add.u32 [%r3], %r1; ld.shared.u32 %r9, [%r3];", "race");
    }

    @Test
    void divergentBarriers() {
        fails(64, "@!%p1 bra END; bar.sync 0; END:", "divergent", "has returned");
        fails(32, "@%p2 bra END; bar.sync 0; END:", "divergent", "thread (0, 0, 0) has returned");
        fails(64, "@%p1 bra A; bar.sync 0; bra.uni END; A: bar.sync 0; END:", "divergent", "at that of PTX line");
    }

    @Test
    void lanesThatAreMissing() {
        fails(32, "@%p2 bra END; bar.warp.sync -1; END:", "divergent: only lanes 0xfffffffe");
        passes(32, "@%p2 bra END; bar.warp.sync 0xfffffffe; END:");
        passes(32, "@%p2 bra A; bar.warp.sync -1; bra.uni END; A: bar.warp.sync -1; END:");
        fails(
                32,
                "@%p2 bra END; mov.u32 %r8, 1; mov.u32 %r7, 31; shfl.sync.bfly.b32 %r9, %r1, %r8, %r7, 0xfffffffe; END:",
                "reads lane 0, which does not take part");
        fails(32, "bar.warp.sync 1;", "not in the mask");
        fails(32, "@%p2 mov.u32 %r8, 1; @!%p2 mov.u32 %r8, -1; bar.warp.sync %r8;", "which others here name");
    }

    @Test
    void asynchronousCopies() {
        String copy = "cp.async.ca.shared.global [%r5], [%rd3], 4; cp.async.commit_group;";
        passes(32, copy + "cp.async.wait_group 0; ld.shared.u32 %r9, [%r5];");
        fails(32, copy + "ld.shared.u32 %r9, [%r5];", "wait for it");
        fails(32, copy + "cp.async.wait_group 1; ld.shared.u32 %r9, [%r5];", "wait for it");
        String next = "xor.b32 %r6, %r4, 4; add.s32 %r6, %r6, %r3;";
        fails(32, copy + next + "cp.async.wait_group 0; ld.shared.u32 %r9, [%r6];", "race");
        passes(32, copy + next + "cp.async.wait_group 0; bar.sync 0; ld.shared.u32 %r9, [%r6];");
        fails(96, copy, "outside of every allocation");
    }

    @Test
    void unknownInstructionsAreRefusedAtLoad() {
        try (Bed bed = new Bed()) {
            String message = assertThrows(
                            BadModule.class,
                            () -> bed.kernel("", ".reg .b32 %r<2>;\nmov.u32 %r1, 0;\nfrob.u32 %r1, %r1;"))
                    .getMessage();
            assertEquals(
                    "kernels of test do not load on emulated device: PTX line 7: frob.u32 is not known to the emulated"
                            + " device",
                    message);
            assertThrows(BadModule.class, () -> bed.kernel("", "bra NOWHERE;"));
            assertThrows(BadModule.class, () -> bed.kernel("", ".reg .f64 %d<2>; add.f32 %d1, %d1, %d1;"));
        }
        try (EmulatedGpuDriver old = new EmulatedGpuDriver(1 << 20, 75, 1)) {
            String ptx = ".version 7.0\n.target sm_80\n.address_size 64\n";
            assertThrows(BadModule.class, () -> old.load("new", ptx));
        }
    }

    @Test
    void launchesBeyondTheLimits() {
        try (Bed bed = new Bed()) {
            GpuFunction f = bed.kernel("", "");
            var stream = bed.driver.defaultStream();
            var none = KernelArguments.start();
            assertThrows(LaunchFailed.class, () -> bed.driver.launch(f, Grid.of(1), Block.of(1025), 0, stream, none));
            assertThrows(
                    LaunchFailed.class, () -> bed.driver.launch(f, Grid.of(1, 65536), Block.of(1), 0, stream, none));
            assertThrows(LaunchFailed.class, () -> bed.driver.launch(f, Grid.of(1), Block.of(1), 60_000, stream, none));
            f.allowDynamicShared(60_000);
            bed.driver.launch(f, Grid.of(1), Block.of(1), 60_000, stream, none);
            assertThrows(LaunchFailed.class, () -> f.allowDynamicShared(200_000));
            assertThrows(
                    IllegalArgumentException.class,
                    () -> bed.driver.launch(
                            f,
                            Grid.of(1),
                            Block.of(1),
                            0,
                            stream,
                            KernelArguments.start().integer(1)));
        }
    }

    @Test
    void memoryRunsOutAndLeaksAreNamed() {
        try (EmulatedGpuDriver driver = new EmulatedGpuDriver(1 << 20, 80, 1)) {
            long half = driver.allocate(600_000, "half");
            String message = assertThrows(OutOfDeviceMemory.class, () -> driver.allocate(600_000, "more"))
                    .getMessage();
            assertTrue(message.startsWith("out of device memory: 600000 bytes for more, 448576 bytes free"), message);
            String leak = assertThrows(
                            IllegalStateException.class, () -> driver.ledger().requireEmpty())
                    .getMessage();
            assertTrue(leak.contains("half (600000 bytes at 0x"), leak);
            driver.free(half);
            driver.ledger().requireEmpty();
            assertEquals(1 << 20, driver.freeMemory());
            assertThrows(GpuException.class, () -> driver.fill(half, 4, (byte) 0, driver.defaultStream()));
        }
    }

    @Test
    void kernelsThatStopThemselves() {
        fails(32, "trap;", "the kernel stops itself");
    }
}
