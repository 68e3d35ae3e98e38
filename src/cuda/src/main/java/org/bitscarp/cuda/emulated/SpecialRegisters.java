package org.bitscarp.cuda.emulated;

import java.util.Set;

/** Registers that the device fills (PTX ISA, section 10). Clocks read as 0. */
final class SpecialRegisters {
    private static final Set<String> NAMES = Set.of(
            "%tid.x",
            "%tid.y",
            "%tid.z",
            "%ntid.x",
            "%ntid.y",
            "%ntid.z",
            "%ctaid.x",
            "%ctaid.y",
            "%ctaid.z",
            "%nctaid.x",
            "%nctaid.y",
            "%nctaid.z",
            "%laneid",
            "%warpid",
            "%nwarpid",
            "%lanemask_eq",
            "%lanemask_lt",
            "%lanemask_le",
            "%lanemask_gt",
            "%lanemask_ge",
            "%clock",
            "%clock64",
            "%dynamic_smem_size",
            "%total_smem_size",
            "WARP_SZ");

    private SpecialRegisters() {}

    static boolean known(String name) {
        return NAMES.contains(name);
    }

    static int value(String name, Warp w, int lane) {
        BlockRun block = w.block;
        int thread = w.thread(lane);
        return switch (name) {
            case "%tid.x" -> thread % block.size.x();
            case "%tid.y" -> thread / block.size.x() % block.size.y();
            case "%tid.z" -> thread / block.size.x() / block.size.y();
            case "%ntid.x" -> block.size.x();
            case "%ntid.y" -> block.size.y();
            case "%ntid.z" -> block.size.z();
            case "%ctaid.x" -> block.blockX;
            case "%ctaid.y" -> block.blockY;
            case "%ctaid.z" -> block.blockZ;
            case "%nctaid.x" -> block.grid.x();
            case "%nctaid.y" -> block.grid.y();
            case "%nctaid.z" -> block.grid.z();
            case "%laneid" -> lane;
            case "%warpid" -> w.number;
            case "%nwarpid" -> (block.size.threads() + Warp.LANES - 1) / Warp.LANES;
            case "%lanemask_eq" -> 1 << lane;
            case "%lanemask_lt" -> (1 << lane) - 1;
            case "%lanemask_le" -> (2 << lane) - 1;
            case "%lanemask_gt" -> -(2 << lane);
            case "%lanemask_ge" -> -(1 << lane);
            case "%dynamic_smem_size" -> block.dynamicShared;
            case "%total_smem_size" -> block.shared.bytes.length;
            case "WARP_SZ" -> Warp.LANES;
            case "%clock", "%clock64" -> 0;
            default -> throw new IllegalStateException(name);
        };
    }
}
