package org.bitscarp.cuda.backend;

import java.util.Optional;
import java.util.Set;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.FloatFormat;
import org.bitscarp.quant.GroupedInt;
import org.bitscarp.quant.NormalFloat4;
import org.bitscarp.quant.Ternary;
import org.bitscarp.quant.ggml.GgmlFormat;

/**
 * How kernels read a storage format: {@code kernels-cu/cu/formats} holds the decoders.
 *
 * @param family files with its kernels end in it: {@code decode_grouped.cu}
 * @param word entries end in it: {@code decode_int4}
 * @param length weights in a full block
 * @param zero the zero point of symmetric integers, −1 where each block stores its own
 */
record PackedFormat(String family, String word, int length, int zero) {
    private static final int STORED = -1;
    /** Block types of GGUF without a super-scale that have kernels of their own on tensor cores. */
    private static final Set<String> FUSED = Set.of("q4_0", "q8_0", "iq4_nl", "iq4_xs", "mxfp4");

    /** Empty where there are no kernels for the format. */
    static Optional<PackedFormat> of(BlockFormat format, int columns) {
        int length = format.blockLength(columns);
        return switch (format) {
            case GroupedInt ints ->
                Optional.of(new PackedFormat(
                        "grouped", "int" + ints.bits(), length, ints.symmetric() ? 1 << (ints.bits() - 1) : STORED));
            case NormalFloat4 nf4 -> Optional.of(new PackedFormat("grouped", "nf4", length, STORED));
            case Ternary ternary -> Optional.of(new PackedFormat("grouped", "ternary", length, STORED));
            case FloatFormat plain -> Optional.of(new PackedFormat("plain", plain.name(), length, STORED));
            case GgmlFormat ggml -> Optional.of(new PackedFormat(ggmlFamily(ggml.name()), ggml.name(), length, STORED));
            default -> Optional.empty();
        };
    }

    private static String ggmlFamily(String name) {
        if (name.endsWith("_k")) {
            return "k";
        }
        return name.startsWith("iq") && !name.startsWith("iq4") ? "codebook" : "ggml";
    }

    /** Whether there is a product for a few rows in fp32 from the packed bytes; else weights are decoded first. */
    boolean vectors() {
        return !family.equals("codebook") && !word.equals("fp32");
    }

    /**
     * Whether there is a product on tensor cores from the packed bytes; else weights are decoded first. It needs pieces of
     * eight weights that never reach across the end of a block.
     */
    boolean fused(int columns) {
        boolean kernel = vectors() && !family.equals("plain") && (!family.equals("ggml") || FUSED.contains(word));
        return kernel && (length % 8 == 0 || length >= columns);
    }
}
