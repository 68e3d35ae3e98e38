package org.bitscarp.cuda.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bitscarp.cuda.driver.EntrySignature;
import org.bitscarp.kernels.Artefacts;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.FloatFormat;
import org.bitscarp.quant.Solver;
import org.bitscarp.quant.Solvers;
import org.bitscarp.quant.ggml.GgmlFormat;
import org.junit.jupiter.api.Test;

/** What a GPU does with each storage format, written down from the kernels that are there: docs/gpu-support.md. */
class GpuSupportTest {
    private static final Path TABLE =
            Path.of(System.getProperty("bitscarp.checkout")).resolve("docs").resolve("gpu-support.md");
    private static final int CAPABILITY = 80;
    private static final String HEAD = """
            # Storage formats on a GPU

            Written by `GpuSupportTest` from the solvers and the compiled kernels; it fails when this file differs, and leaves
            the new one in `src/cuda/target`. Each cell is CPU / CUDA. Every kernel that is named here runs on the emulated
            device in each build, against the CPU's decoder, product or quantizer.

            * **decode**: packed bytes to fp32 (on a GPU also fp16 or bf16), equal to the last bit; all rows, or rows by index
              where levels that write look up embeddings. Scoring decodes each level's layer once and multiplies the decoded
              weights by up to 2048 rows at a time.
            * **1–8 rows**, **more rows**: products straight from packed bytes, which is what levels write with
              ([0014](adr/0014-packed-weights-stay-packed.md)). The CPU decodes first. In fp32 and tf32 more rows are taken
              eight at a time up to 64, and decoded beyond. With `--compute fp16` or `bf16` tensor cores (compute capability
              8.0 on) take more rows, from weights that are decoded on the way (`fused`) or first (`decoded`). `refused`:
              decoded to fp32.
            * **rtn**, **search**, **gptq-published**, **gptq**: what chooses the codes. `yes` on a GPU means that a kernel
              writes the CPU's bytes from weights, and for GPTQ from sums of x·xᵀ, that are there already; `host` that the CPU
              quantizes and packed bytes are uploaded, which the report says. `gptq-actorder` is where
              `gptq-published` is, `gptq-sequential` where `gptq` is, `gptaq` is the host's. `–`: only read, or nothing to choose.

            | format | decode | 1–8 rows | more rows | rtn | search | gptq-published | gptq |
            |---|---|---|---|---|---|---|---|
            """;

    private final Map<String, Set<String>> entries = new HashMap<>();

    private boolean has(String module, String entry) {
        return entries.computeIfAbsent(
                        module,
                        name -> EntrySignature.readAll(Artefacts.ptx(name, CAPABILITY))
                                .keySet())
                .contains(entry);
    }

    private String line(BlockFormat format) {
        int columns = DeviceSupport.columns(format);
        PackedFormat packed = PackedFormat.of(format, columns).orElseThrow();
        String word = packed.word();
        assertEquals(true, has("decode_" + packed.family(), "decode_" + word), "a kernel that decodes " + word);
        String few = "refused";
        String many = "refused";
        if (packed.vectors()) {
            String module = "matvec_" + packed.family();
            assertEquals(true, has(module, "matvec_" + word + "_1") && has(module, "matvec_" + word + "_8"), word);
            few = "fp32";
            many = "decoded";
        }
        if (packed.fused(columns)) {
            String module = "matmul_" + packed.family();
            assertEquals(
                    true, has(module, "matmul_" + word + "_fp16") && has(module, "matmul_" + word + "_bf16"), word);
            many = "fused, decoded from 65 rows on";
        }
        List<String> cells = new ArrayList<>(List.of(word, "exact / exact", "decoded / " + few, "decoded / " + many));
        for (Solver solver : List.of(Solvers.RTN, Solvers.SEARCH, Solvers.GPTQ_PUBLISHED, Solvers.GPTQ)) {
            cells.add(quantize(solver, format, columns));
        }
        return "| " + String.join(" | ", cells) + " |\n";
    }

    private String quantize(Solver solver, BlockFormat format, int columns) {
        if (!solver.supports(format) || format instanceof GgmlFormat ggml && !ggml.writable()) {
            return "–";
        }
        if (format == FloatFormat.FP32) {
            return "as it is";
        }
        Solver like = solver == Solvers.GPTQ
                ? Solvers.GPTQ_SEQUENTIAL
                : solver == Solvers.GPTQ_PUBLISHED ? Solvers.GPTQ_ACTORDER : solver;
        boolean here = CudaQuantizer.hasKernel(solver, format, columns);
        assertEquals(here, CudaQuantizer.hasKernel(like, format, columns), like.name() + " of " + format.name());
        assertFalse(CudaQuantizer.hasKernel(Solvers.GPTAQ, format, columns), "gptaq of " + format.name());
        return "yes / " + (here ? "yes" : "host");
    }

    @Test
    void theTableIsUpToDate() throws IOException {
        StringBuilder table = new StringBuilder(HEAD);
        for (BlockFormat format : DeviceSupport.formats()) {
            table.append(line(format));
        }
        String found = Files.exists(TABLE) ? Files.readString(TABLE) : "";
        if (!found.contentEquals(table)) {
            Files.writeString(Path.of("target", "gpu-support.md"), table);
        }
        assertEquals(table.toString(), found, "copy src/cuda/target/gpu-support.md to docs");
    }
}
