package org.bitscarp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.bitscarp.cuda.driver.GpuDriver;
import org.bitscarp.cuda.emulated.EmulatedGpuDriver;
import org.junit.jupiter.api.Test;

/** What {@code doctor} says of a device, on emulated ones. */
class CheckupTest {
    private static List<String> products(int computeCapability) {
        List<GpuDriver> opened = new ArrayList<>();
        List<String> products = Checkup.products(() -> {
            opened.add(new EmulatedGpuDriver(1 << 20, computeCapability, 1));
            return opened.getLast();
        });
        opened.forEach(driver -> driver.ledger().requireEmpty());
        return products;
    }

    @Test
    void whoMultipliesMatricesAndWhy() {
        assertEquals(
                List.of(
                        "fp32: own matrix product (no library for this device)",
                        "tf32: own matrix product on tensor cores, tf32 (no library for this device)",
                        "fp16: own matrix product on tensor cores, fp16 (no library for this device)",
                        "bf16: own matrix product on tensor cores, bf16 (no library for this device)"),
                products(80));
        List<String> old = products(75);
        assertEquals("fp32: own matrix product (no library for this device)", old.getFirst());
        assertEquals(4, old.size());
        assertTrue(old.get(2).startsWith("fp16: none, ") && old.get(2).contains("capability 8.0"), old.get(2));
    }

    @Test
    void whatIsQuantizedWhere() {
        List<String> lines = Checkup.run().stream()
                .filter(finding -> finding.what().equals("on a GPU"))
                .map(Finding::detail)
                .toList();
        assertTrue(lines.getFirst().matches("rtn quantizes .*int4 .*q4_k.*; others on the host"), lines.getFirst());
        assertTrue(
                lines.stream().anyMatch(line -> line.matches("search quantizes int2 .*int8.*; others on the host")),
                lines + "");
        assertTrue(
                lines.getLast().matches("levels write from packed fp16 .*int4 .*q2_k.*; others are decoded first"),
                lines.getLast());
    }
}
