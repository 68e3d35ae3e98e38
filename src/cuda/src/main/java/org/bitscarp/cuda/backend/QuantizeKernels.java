package org.bitscarp.cuda.backend;

import java.lang.foreign.MemorySegment;
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

    /** Block types of GGUF with one scale or one scale and minimum, and the k-quants. */
    private static final Set<String> GGML =
            Set.of("q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_0", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k");

    /** K-quants whose super-blocks have eight sub-blocks; the others have sixteen. */
    private static final Set<String> OF_EIGHT = Set.of("q4_k", "q5_k");

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
            case GgmlFormat ggml -> GGML.contains(ggml.name());
            default -> false;
        };
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
        boolean superBlocks = words.family().equals("k");
        String module = switch (format) {
            case GroupedInt ints -> "quantize_int";
            case FloatFormat plain -> "quantize_plain";
            default -> superBlocks ? "quantize_k" : "quantize_blocks";
        };
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
        } else if (superBlocks) {
            int each = 32 * WARPS / (OF_EIGHT.contains(words.word()) ? 8 : 16);
            call.address(fallbacks).launch(Grid.of(Math.ceilDiv(blocks, each), rows), 32 * WARPS);
        } else {
            call.address(fallbacks).launch(Grid.of(Math.ceilDiv(blocks, THREADS), rows), THREADS);
        }
    }
}
