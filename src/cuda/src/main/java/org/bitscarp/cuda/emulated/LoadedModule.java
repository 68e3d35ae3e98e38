package org.bitscarp.cuda.emulated;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.cuda.driver.EntrySignature;
import org.bitscarp.cuda.driver.GpuFunction;
import org.bitscarp.cuda.driver.GpuModule;
import org.bitscarp.cuda.driver.KernelParameter;
import org.bitscarp.cuda.driver.OutOfDeviceMemory;
import org.bitscarp.cuda.emulated.ptx.Kernel;
import org.bitscarp.cuda.emulated.ptx.Module;
import org.bitscarp.cuda.emulated.ptx.Variable;

/** A module whose kernels are decoded and whose variables lie in device memory. */
final class LoadedModule implements GpuModule {
    private final DeviceSpace space;
    private final String name;
    private final Map<String, LoadedFunction> functions = new HashMap<>();
    private final List<Long> variables = new ArrayList<>();

    LoadedModule(
            EmulatedGpuDriver driver,
            DeviceSpace space,
            String name,
            Module module,
            Map<String, EntrySignature> signatures) {
        this.space = space;
        this.name = name;
        Map<String, Long> symbols = new HashMap<>();
        List<Variable> shared = new ArrayList<>();
        boolean loaded = false;
        try {
            for (Variable v : module.variables()) {
                if (v.space().equals("shared")) {
                    shared.add(v);
                } else {
                    symbols.put(v.name(), place(driver, v));
                }
            }
            for (Kernel kernel : module.kernels().values()) {
                EntrySignature signature = signatures.get(kernel.name());
                Map<String, Integer> parameters = new HashMap<>();
                for (KernelParameter p : signature.parameters()) {
                    parameters.put(p.name(), p.offset());
                }
                Program program = Decoder.decode(kernel, symbols, shared, parameters);
                functions.put(
                        kernel.name(), new LoadedFunction(signature, program, kernel.maxThreads(), driver.device()));
            }
            loaded = true;
        } finally {
            if (!loaded) {
                close();
            }
        }
    }

    private long place(EmulatedGpuDriver driver, Variable v) {
        long address = space.allocate(Math.max(1, v.bytes()), v.name() + " of " + name);
        if (address == 0) {
            throw new OutOfDeviceMemory(
                    v.name(), v.bytes(), space.free(), driver.device().name());
        }
        variables.add(address);
        MemorySegment memory = space.view(address, Math.max(1, v.bytes()), "load");
        memory.fill((byte) 0);
        MemorySegment.copy(MemorySegment.ofArray(v.content()), 0, memory, 0, v.content().length);
        return address;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public GpuFunction function(String entry) {
        LoadedFunction function = functions.get(entry);
        if (function == null) {
            throw new IllegalArgumentException(
                    "module " + name + " has no kernel " + entry + ", only " + functions.keySet());
        }
        return function;
    }

    @Override
    public void close() {
        variables.forEach(space::release);
        variables.clear();
    }
}
