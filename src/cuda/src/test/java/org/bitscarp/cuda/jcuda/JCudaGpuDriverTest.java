package org.bitscarp.cuda.jcuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The binding without a GPU: a C compiler makes a driver library whose calls work on host memory ({@code libcuda.c}), and a
 * virtual machine of its own runs every method of {@link JCudaGpuDriver} on it. It proves names, argument order, addresses,
 * contexts and errors, not a device.
 */
class JCudaGpuDriverTest {
    private static final List<String> EXPECTED = List.of(
            "probe: FOUND, 1 device",
            "device: Stub 7 (compute capability 8.6, 84 multiprocessors, 0.0 GiB, driver for CUDA 12.4), 101376",
            "copied: [16843009, 1, 2, 16843009]",
            "handle: 85, 0",
            "time: 1.5",
            "used: 32 of 1048576",
            "scaled: [2.5, 6.0, 9.5, 13.0, 16.5]",
            "attributes: FunctionAttributes[maxThreads=100, registers=104, staticShared=101, local=103,"
                    + " maxDynamicShared=108]",
            "failed: OutOfDeviceMemory: out of device memory: 2 MiB for too much, 1 MiB free on Stub 7; cap it with --vram,"
                    + " or close what else uses the device",
            "failed: BadModule: kernels of bad do not load on Stub 7 (compute capability 8.6, 84 multiprocessors, 0.0 GiB,"
                    + " driver for CUDA 12.4): CUDA_ERROR_INVALID_PTX; ptxas: line 4; broken",
            "failed: LaunchFailed: kernel scale (grid 1×1×1, block 1×1×1, 2000 bytes of dynamic shared memory) on Stub 7:"
                    + " CUDA_ERROR_INVALID_VALUE",
            "failed: DeviceLost: device lost during launch of crash on Stub 7: CUDA_ERROR_ILLEGAL_ADDRESS; start again, and"
                    + " look for Xid messages of the driver in the system's log",
            "failed: DeviceLost: device lost during waiting for the device on Stub 7: CUDA_ERROR_ILLEGAL_ADDRESS; start"
                    + " again, and look for Xid messages of the driver in the system's log",
            "closed: yes");

    @Test
    void everyCallReachesTheDriver(@TempDir Path scratch) throws Exception {
        String platform = System.getProperty("os.name") + " " + System.getProperty("os.arch");
        assumeTrue(platform.equals("Linux amd64"), "JCuda's library is for Linux on x86-64, this is " + platform);
        Path source = Path.of(System.getProperty("bitscarp.checkout"), "src/cuda/src/test/native/libcuda.c");
        Path library = scratch.resolve("libcuda.so.1");
        assumeTrue(
                compiled(source, library), "no C compiler (cc): the binding is not run on a driver of the test's own");
        Path temporary = Files.createDirectory(scratch.resolve("tmp"));
        ProcessBuilder run = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:TieredStopAtLevel=1",
                        "-Djava.io.tmpdir=" + temporary,
                        "-Dstdout.encoding=UTF-8",
                        "-cp",
                        System.getProperty("java.class.path"),
                        StubbedDriverRun.class.getName())
                .redirectErrorStream(true);
        run.environment().put("LD_LIBRARY_PATH", scratch.toString());
        Process process = run.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        List<String> lines =
                output.lines().filter(l -> !l.startsWith("temporary: ")).toList();
        assertEquals(String.join("\n", EXPECTED), String.join("\n", lines));
        // The property is what it was, and nothing was left in the folder.
        assertEquals(true, output.contains("temporary: " + temporary), output);
        try (var left = Files.list(temporary)) {
            assertEquals(
                    List.of(),
                    left.filter(f -> f.getFileName().toString().startsWith("bitscarp"))
                            .toList());
        }
    }

    private static boolean compiled(Path source, Path library) throws InterruptedException {
        try {
            Process cc = new ProcessBuilder("cc", "-shared", "-fPIC", "-o", library.toString(), source.toString())
                    .inheritIO()
                    .start();
            assertEquals(0, cc.waitFor(), "libcuda.c does not compile");
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}
