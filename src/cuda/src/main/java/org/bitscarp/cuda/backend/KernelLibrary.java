package org.bitscarp.cuda.backend;

import java.util.HashMap;
import java.util.Map;
import org.bitscarp.cuda.driver.GpuDriver;
import org.bitscarp.cuda.driver.GpuFunction;
import org.bitscarp.cuda.driver.GpuModule;
import org.bitscarp.kernels.Artefacts;

/** Kernels of a device, loaded when they are first asked for. */
final class KernelLibrary implements AutoCloseable {
    private final GpuDriver driver;
    private final Map<String, GpuModule> modules = new HashMap<>();
    private final Map<String, GpuFunction> functions = new HashMap<>();

    KernelLibrary(GpuDriver driver) {
        this.driver = driver;
    }

    /**
     * @param module name of the source file, without its ending
     * @param entry name of the kernel in it
     */
    synchronized GpuFunction get(String module, String entry) {
        return functions.computeIfAbsent(
                module + "/" + entry,
                key -> modules.computeIfAbsent(
                                module,
                                name -> driver.load(
                                        name,
                                        Artefacts.ptx(name, driver.device().computeCapability())))
                        .function(entry));
    }

    @Override
    public synchronized void close() {
        modules.values().forEach(GpuModule::close);
    }
}
