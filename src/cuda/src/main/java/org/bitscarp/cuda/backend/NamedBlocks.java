package org.bitscarp.cuda.backend;

import org.bitscarp.cuda.driver.Grid;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.NormalFloat4;
import org.bitscarp.quant.Ternary;
import org.bitscarp.quant.ggml.GgmlFormat;

/**
 * Blocks of formats that have kernels of their own in GPTQ's column loop, with published grids: NF4, ternary and GGUF's
 * types.
 *
 * @param grids aligned to 8
 * @param fallbacks address of a long that is added to: fallbacks of grids
 */
record NamedBlocks(Launcher launcher, BlockFormat format, int rows, int columns, long grids, long codes, long fallbacks)
        implements LoopBlocks {
    /** {@code GRID_BYTES} of {@code gptq_blocks.cu}. */
    private static final int GRID_BYTES = 32;

    /** Of a sub-block, {@code GRID_BYTES + 2} of {@code gptq_k.cu}. */
    private static final int SUB_BYTES = 42;

    private static final int THREADS = 64;

    /** Whether there are kernels for a format. */
    static boolean supports(BlockFormat format) {
        return switch (format) {
            case NormalFloat4 nf4 -> true;
            case Ternary ternary -> !ternary.sharedGrid();
            case GgmlFormat ggml -> ggml.writable();
            default -> false;
        };
    }

    /** Bytes of the grids of {@code rows} rows. */
    static long gridBytes(BlockFormat format, int rows, int columns) {
        int subBlocks = QuantizeKernels.subBlocks(format);
        long bytes = subBlocks > 1 ? (long) SUB_BYTES * subBlocks : GRID_BYTES;
        return bytes * rows * Math.ceilDiv(columns, format.blockLength(columns));
    }

    /** Threads for a block. */
    private int threads() {
        return QuantizeKernels.subBlocks(format);
    }

    private Call call(Lane lane, String verb) {
        return launcher.call(
                lane,
                threads() > 1 ? "gptq_k" : "gptq_blocks",
                verb + "_" + PackedFormat.of(format, columns).orElseThrow().word());
    }

    @Override
    public void fit(Lane lane, long weights, int from, int count) {
        Call call = call(lane, "fit").address(weights).address(grids);
        if (threads() > 1) {
            call.address(codes);
        }
        long all = (long) rows * count * threads();
        call.integer(rows)
                .integer(columns)
                .integer(from)
                .integer(count)
                .integer(length())
                .address(fallbacks)
                .launch(Grid.of(Math.toIntExact(Math.ceilDiv(all, THREADS))), THREADS);
    }

    @Override
    public Call rounding(Lane lane) {
        return call(lane, "gptq");
    }

    @Override
    public void pack(Lane lane, long packed) {
        call(lane, "pack")
                .address(grids)
                .address(codes)
                .address(packed)
                .long64(format.rowBytes(columns))
                .integer(rows)
                .integer(columns)
                .integer(length())
                .launch(Launcher.rowGrid(blocks() * threads(), rows), Launcher.THREADS);
    }
}
