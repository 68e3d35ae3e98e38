package org.bitscarp.cuda.artefacts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.bitscarp.cuda.driver.EntrySignature;
import org.junit.jupiter.api.Test;

/** Every checked-in kernel assembles for every architecture that would run it, within its registers and without spills. */
class PtxGateTest {
    /** Turing, Ampere, Ampere of workstations, Ada, Hopper. */
    private static final int[] ARCHITECTURES = {75, 80, 86, 89, 90};

    private static final int DEFAULT_REGISTERS = 128;

    private record Budget(int registers, boolean spills) {}

    private record Job(Path ptx, int architecture) {
        /** What does not hold. */
        List<String> failures(Map<String, Budget> budgets) {
            String text = read(ptx);
            String where = KernelSources.PTX.relativize(ptx) + " on sm_" + architecture;
            Map<String, PtxAssembler.Usage> usage;
            try {
                usage = PtxAssembler.assemble(text, "sm_" + architecture);
            } catch (IllegalArgumentException e) {
                return List.of(where + " does not assemble: " + e.getMessage());
            }
            List<String> failures = new ArrayList<>();
            if (!usage.keySet().equals(EntrySignature.readAll(text).keySet())) {
                failures.add(where + ": the assembler sees kernels " + usage.keySet());
            }
            usage.forEach((entry, used) -> {
                Budget budget = budgets.getOrDefault(entry, new Budget(DEFAULT_REGISTERS, false));
                if (used.registers() > budget.registers()) {
                    failures.add(entry + " of " + where + ": " + used.registers() + " registers, budget "
                            + budget.registers());
                }
                if (used.spilled() > 0 && !budget.spills()) {
                    failures.add(entry + " of " + where + " spills " + used.spilled() + " bytes");
                }
            });
            return failures;
        }
    }

    @Test
    void everyKernelAssemblesWithinItsBudget() throws IOException {
        Map<String, Budget> budgets = budgets();
        List<Job> jobs = new ArrayList<>();
        var entries = new TreeSet<String>();
        for (Path ptx : KernelSources.ptx()) {
            entries.addAll(EntrySignature.readAll(read(ptx)).keySet());
            runBy(ptx).forEach(architecture -> jobs.add(new Job(ptx, architecture)));
        }
        List<String> failures = jobs.parallelStream()
                .flatMap(job -> job.failures(budgets).stream())
                .toList();
        assertEquals(List.of(), failures);
        var unknown = new TreeSet<>(budgets.keySet());
        unknown.removeAll(entries);
        assertEquals(new TreeSet<String>(), unknown, "kernels-cu/budgets.txt names kernels that are not there");
    }

    private static String read(Path ptx) {
        try {
            return Files.readString(ptx);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void theGateSeesWhatDoesNotAssemble() {
        String broken =
                ".version 7.0\n.target sm_80\n.address_size 64\n.visible .entry k() { nonsense.u32 %r1; ret; }\n";
        String message = assertThrows(IllegalArgumentException.class, () -> PtxAssembler.assemble(broken, "sm_80"))
                .getMessage();
        assertTrue(message.contains("nonsense"), message);
    }

    /** The architectures whose newest PTX this is. */
    private static List<Integer> runBy(Path ptx) {
        int own = Integer.parseInt(ptx.getParent().getFileName().toString().substring(3));
        Path newer = KernelSources.PTX.resolve("sm_80").resolve(ptx.getFileName());
        List<Integer> architectures = new ArrayList<>();
        for (int architecture : ARCHITECTURES) {
            if (architecture >= own && (own >= 80 || architecture < 80 || !Files.exists(newer))) {
                architectures.add(architecture);
            }
        }
        return architectures;
    }

    private static Map<String, Budget> budgets() throws IOException {
        Map<String, Budget> budgets = new HashMap<>();
        for (String line : Files.readAllLines(KernelSources.ROOT.resolve("budgets.txt"))) {
            if (!line.isBlank() && !line.startsWith("#")) {
                String[] words = line.strip().split("\\s+");
                budgets.put(words[0], new Budget(Integer.parseInt(words[1]), words.length > 2));
            }
        }
        return budgets;
    }
}
