package org.bitscarp.cuda.backend;

import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.Set;
import org.bitscarp.cuda.driver.Grid;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.FloatFormat;
import org.bitscarp.quant.GroupedInt;
import org.bitscarp.quant.NormalFloat4;
import org.bitscarp.quant.ScaleScan;
import org.bitscarp.quant.Ternary;
import org.bitscarp.quant.ggml.GgmlFormat;

/** Launches of quantizers: fp32 weights on the device to the bytes that the CPU writes. */
final class QuantizeKernels {
    private static final int WARPS = 4;
    private static final int MAX_GRID_ROWS = 65535;
    /** Threads of a block where each has a block of weights. */
    private static final int THREADS = 64;
    /** Threads that search one grid. */
    private static final int SEARCH_THREADS = 8;

    /** Block types of GGUF with super-blocks: how many sub-blocks each has. */
    private static final Map<String, Integer> SUB_BLOCKS =
            Map.of("q2_k", 16, "q3_k", 16, "q4_k", 8, "q5_k", 8, "q6_k", 16, "iq4_xs", 8);

    /** Block types of GGUF with uneven levels and no super-block. */
    private static final Set<String> UNEVEN = Set.of("iq4_nl", "mxfp4", "nvfp4");

    private final Launcher launcher;

    QuantizeKernels(Launcher launcher) {
        this.launcher = launcher;
    }

    /** Whether {@link #nearest(BlockFormat)} has a kernel for the format. */
    static boolean supports(BlockFormat format) {
        return switch (format) {
            case GroupedInt ints -> true;
            case NormalFloat4 nf4 -> true;
            case Ternary ternary -> !ternary.sharedGrid();
            case FloatFormat plain -> plain != FloatFormat.FP32;
            case GgmlFormat ggml -> ggml.writable();
            default -> false;
        };
    }

    /** Sub-blocks in a block of a format, which have a thread each; 1 where there are none. */
    static int subBlocks(BlockFormat format) {
        return format instanceof GgmlFormat ggml ? SUB_BLOCKS.getOrDefault(ggml.name(), 1) : 1;
    }

    /**
     * Searches the grid of each block with the least weighted error.
     *
     * @param importance of each column; null for all equal
     */
    Choice search(GroupedInt format, float[] importance) {
        return new Choice() {
            @Override
            public long bytes(int rows) {
                return importance == null ? 0 : Math.ceilDiv(4L * importance.length, 8) * 8;
            }

            @Override
            public void run(Lane lane, DeviceTensor w, long room, long packed, long fallbacks) {
                if (importance != null) {
                    lane.upload(MemorySegment.ofArray(importance), room);
                }
                search(lane, format, w, importance == null ? 0 : room, packed, fallbacks);
            }
        };
    }

    private void search(Lane lane, GroupedInt format, DeviceTensor w, long importance, long packed, long fallbacks) {
        PackedFormat words = PackedFormat.of(format, w.columns()).orElseThrow();
        ScaleScan scan = ScaleScan.of(format);
        int blocks = Math.ceilDiv(w.columns(), words.length());
        launcher.call(lane, "search_int", "search_int")
                .reads(w)
                .address(importance)
                .address(packed)
                .long64(format.rowBytes(w.columns()))
                .integer(w.rows())
                .integer(w.columns())
                .integer(words.length())
                .integer(format.bits())
                .integer(words.zero())
                .integer(scan.steps())
                .float64(scan.factor())
                .address(fallbacks)
                .launch(
                        Grid.of(Math.ceilDiv(blocks, 32 * WARPS / SEARCH_THREADS), Math.min(w.rows(), MAX_GRID_ROWS)),
                        32 * WARPS);
    }

    /** Rounds to the nearest values of the published grid. */
    Choice nearest(BlockFormat format) {
        return new Choice() {
            @Override
            public long bytes(int rows) {
                return 0;
            }

            @Override
            public void run(Lane lane, DeviceTensor w, long room, long packed, long fallbacks) {
                nearest(lane, format, w, packed, fallbacks);
            }
        };
    }

    private void nearest(Lane lane, BlockFormat format, DeviceTensor w, long packed, long fallbacks) {
        if (w.size() == 0) {
            return;
        }
        PackedFormat words = PackedFormat.of(format, w.columns()).orElseThrow();
        int length = words.length();
        int blocks = Math.ceilDiv(w.columns(), length);
        int subBlocks = subBlocks(format);
        String module = module(format, words.word());
        boolean integers = format instanceof GroupedInt;
        Call call = launcher.call(lane, module, integers ? module : "quantize_" + words.word())
                .reads(w)
                .address(packed)
                .long64(format.rowBytes(w.columns()))
                .integer(w.rows())
                .integer(w.columns())
                .integer(length);
        int rows = Math.min(w.rows(), MAX_GRID_ROWS);
        if (format instanceof GroupedInt ints) {
            call.integer(ints.bits())
                    .integer(words.zero())
                    .address(fallbacks)
                    .launch(Grid.of(Math.ceilDiv(blocks, WARPS), rows), 32 * WARPS);
        } else if (format instanceof FloatFormat) {
            call.address(fallbacks).launch(Launcher.rowGrid(w.columns(), w.rows()), Launcher.THREADS);
        } else if (subBlocks > 1) {
            int each = 32 * WARPS / subBlocks;
            call.address(fallbacks).launch(Grid.of(Math.ceilDiv(blocks, each), rows), 32 * WARPS);
        } else {
            call.address(fallbacks).launch(Grid.of(Math.ceilDiv(blocks, THREADS), rows), THREADS);
        }
    }

    private static String module(BlockFormat format, String word) {
        return switch (format) {
            case GroupedInt ints -> "quantize_int";
            case FloatFormat plain -> "quantize_plain";
            default ->
                SUB_BLOCKS.containsKey(word)
                        ? "quantize_k"
                        : UNEVEN.contains(word) ? "quantize_levels" : "quantize_blocks";
        };
    }
}
