package org.bitscarp.quant.ggml;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The file types of llama.cpp: a block type, and rules that give some tensors another ({@code llama_ftype} in {@code
 * llama.h}, tag v0.5.0). Those whose block types can only be read are left out.
 */
public enum GgufMix {
    Q8_0(7, "q8_0"),
    Q6_K(18, "q6_k"),
    Q5_K_M(17, "q5_k"),
    Q5_K_S(16, "q5_k"),
    Q5_1(9, "q5_1"),
    Q5_0(8, "q5_0"),
    Q4_K_M(15, "q4_k"),
    Q4_K_S(14, "q4_k"),
    Q4_1(3, "q4_1"),
    Q4_0(2, "q4_0"),
    IQ4_NL(25, "iq4_nl"),
    IQ4_XS(30, "iq4_xs"),
    /** MXFP4 for stacked experts, Q8_0 for the rest. */
    MXFP4_MOE(38, "mxfp4"),
    Q3_K_L(13, "q3_k"),
    Q3_K_M(12, "q3_k"),
    Q3_K_S(11, "q3_k"),
    Q2_K(10, "q2_k"),
    Q2_K_S(21, "q2_k"),
    Q2_0(41, "q2_0"),
    TQ2_0(37, "tq2_0"),
    TQ1_0(36, "tq1_0"),
    Q1_0(40, "q1_0");

    /** All of them, from most to fewest bits. */
    public static final List<GgufMix> ALL = List.of(values());

    private final int fileType;
    private final GgmlFormat format;

    GgufMix(int fileType, String format) {
        this.fileType = fileType;
        this.format = GgmlTypes.byName(format).orElseThrow();
    }

    /** The mix of a name, in any case. */
    public static Optional<GgufMix> byName(String name) {
        return ALL.stream().filter(mix -> mix.name().equalsIgnoreCase(name)).findFirst();
    }

    /** Whether the name alone, as in {@code q4_0}, means the block type. */
    public boolean namedAsItsFormat() {
        return word().equals(format.name());
    }

    /** The name in lower case, e.g. {@code q4_k_m}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The number in a file's {@code general.file_type}. */
    public int fileType() {
        return fileType;
    }

    /** The block type of the tensors that no rule singles out. */
    public GgmlFormat format() {
        return format;
    }

    /**
     * Whether llama.cpp refuses to write it without an importance matrix: Q2_K everywhere, without what the larger
     * mixes do for the tensors that suffer most.
     */
    public boolean needsImportances() {
        return this == Q2_K_S;
    }

    /** The mixes that are not simply one block type, by name. */
    public static List<String> words() {
        return Arrays.stream(values())
                .filter(mix -> !mix.namedAsItsFormat())
                .map(GgufMix::word)
                .toList();
    }
}
