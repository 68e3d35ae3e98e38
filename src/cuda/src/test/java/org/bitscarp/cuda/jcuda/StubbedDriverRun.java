package org.bitscarp.cuda.jcuda;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.bitscarp.cuda.GpuDevices;
import org.bitscarp.cuda.GpuProbe;
import org.bitscarp.cuda.driver.BadModule;
import org.bitscarp.cuda.driver.Block;
import org.bitscarp.cuda.driver.DeviceLost;
import org.bitscarp.cuda.driver.GpuDriver;
import org.bitscarp.cuda.driver.GpuEvent;
import org.bitscarp.cuda.driver.GpuFunction;
import org.bitscarp.cuda.driver.GpuStream;
import org.bitscarp.cuda.driver.Grid;
import org.bitscarp.cuda.driver.KernelArguments;
import org.bitscarp.cuda.driver.LaunchFailed;
import org.bitscarp.cuda.driver.OutOfDeviceMemory;

/** Every call of the binding once, on the driver of {@code libcuda.c}; prints a line per step. */
final class StubbedDriverRun {
    private static final String HEAD = ".version 7.0\n.target sm_80\n";
    private static final String PTX = HEAD + ".visible .entry scale(.param .u64 o, .param .u64 x, .param .f32 a,"
            + " .param .u32 n) { ret; }\n.visible .entry crash() { ret; }\n";

    private StubbedDriverRun() {}

    public static void main(String[] arguments) throws InterruptedException {
        say("probe", GpuProbe.run().state() + ", " + GpuProbe.run().detail());
        try (GpuDriver driver = GpuDevices.open(0);
                Arena arena = Arena.ofConfined()) {
            say("device", driver.device().describe() + ", " + driver.device().sharedPerBlockOptIn());
            say("temporary", System.getProperty("java.io.tmpdir"));
            memory(driver, arena);
            kernels(driver, arena);
            failures(driver);
        }
        say("closed", "yes");
    }

    private static void memory(GpuDriver driver, Arena arena) throws InterruptedException {
        MemorySegment pinned = driver.allocatePinned(16);
        pinned.copyFrom(MemorySegment.ofArray(new int[] {1, 2, 3, 4}));
        long a = driver.allocate(16, "a");
        long b = driver.allocate(16, "b");
        GpuStream stream = driver.newStream();
        GpuEvent event = driver.newEvent();
        // A thread that has never seen the context.
        Thread other = new Thread(() -> driver.copyToDevice(a, pinned, stream));
        other.start();
        other.join();
        driver.fill(b, 16, (byte) 1, stream);
        driver.copyOnDevice(b + 4, a, 8, stream);
        event.record(stream);
        stream.await(event);
        MemorySegment back = arena.allocate(16, 8);
        driver.copyToHost(back, b, stream);
        stream.synchronize();
        say("copied", Arrays.toString(back.toArray(ValueLayout.JAVA_INT)));
        say("handle", stream.handle() + ", " + driver.defaultStream().handle());
        event.synchronize();
        say("time", event.millisecondsSince(event) + "");
        driver.freePinned(pinned);
        event.close();
        stream.close();
        say(
                "used",
                driver.ledger().bytes() + " of "
                        + (driver.freeMemory() + driver.ledger().bytes()));
        driver.free(a);
        driver.free(b);
    }

    private static void kernels(GpuDriver driver, Arena arena) {
        var module = driver.load("scale", PTX);
        GpuFunction scale = module.function("scale");
        long x = driver.allocate(20, "x");
        MemorySegment host = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1, 2, 3, 4, 5);
        driver.copyToDevice(x, host, driver.defaultStream());
        driver.launch(
                scale,
                Grid.of(2),
                Block.of(4),
                16,
                driver.defaultStream(),
                KernelArguments.start().pointer(x).pointer(x).float32(2.5f).integer(5));
        driver.synchronize();
        driver.copyToHost(host, x, driver.defaultStream());
        say("scaled", Arrays.toString(host.toArray(ValueLayout.JAVA_FLOAT)));
        say("attributes", scale.attributes() + "");
        scale.allowDynamicShared(60_000);
        driver.free(x);
        module.close();
    }

    private static void failures(GpuDriver driver) {
        fails(OutOfDeviceMemory.class, () -> driver.allocate(2 << 20, "too much"));
        fails(BadModule.class, () -> driver.load("bad", HEAD + "broken"));
        var module = driver.load("scale", PTX);
        GpuStream stream = driver.defaultStream();
        KernelArguments four =
                KernelArguments.start().pointer(0).pointer(0).float32(0).integer(0);
        fails(
                LaunchFailed.class,
                () -> driver.launch(module.function("scale"), Grid.of(1), Block.of(1), 2000, stream, four));
        driver.allocate(100, "left behind");
        fails(
                DeviceLost.class,
                () -> driver.launch(
                        module.function("crash"), Grid.of(1), Block.of(1), 0, stream, KernelArguments.start()));
        fails(DeviceLost.class, driver::synchronize);
    }

    private static void fails(Class<? extends RuntimeException> type, Runnable call) {
        try {
            call.run();
            say("failed", "not");
        } catch (RuntimeException e) {
            say("failed", (type.isInstance(e) ? type.getSimpleName() : e.toString()) + ": " + e.getMessage());
        }
    }

    private static void say(String what, String value) {
        System.out.println(what + ": " + value);
    }
}
