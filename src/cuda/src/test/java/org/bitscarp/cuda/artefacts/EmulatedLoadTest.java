package org.bitscarp.cuda.artefacts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.bitscarp.cuda.driver.EntrySignature;
import org.bitscarp.cuda.emulated.EmulatedGpuDriver;
import org.junit.jupiter.api.Test;

/** The emulated device knows every instruction of every checked-in kernel, for each architecture. */
class EmulatedLoadTest {
    @Test
    void everyModuleLoads() throws IOException {
        List<Path> all = KernelSources.ptx();
        assertTrue(all.size() > 20, "only " + all.size() + " files of PTX were found");
        for (Path ptx : all) {
            String text = Files.readString(ptx);
            int architecture =
                    Integer.parseInt(ptx.getParent().getFileName().toString().substring(3));
            try (EmulatedGpuDriver driver = new EmulatedGpuDriver(64 << 20, architecture, 1);
                    var module = driver.load(ptx.getFileName().toString(), text)) {
                for (EntrySignature signature : EntrySignature.readAll(text).values()) {
                    assertEquals(signature, module.function(signature.name()).signature());
                }
            }
        }
    }
}
