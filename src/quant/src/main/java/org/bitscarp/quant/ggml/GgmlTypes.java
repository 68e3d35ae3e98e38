package org.bitscarp.quant.ggml;

import java.util.List;
import java.util.Optional;

/** All block types of GGUF files; numbers and names as in {@code ggml.h} of llama.cpp v0.5.0. */
public final class GgmlTypes {
    /** Every block type, from most to fewest bits within each kind. */
    public static final List<GgmlFormat> ALL = List.of(
            ScaledInt.q8(),
            OffsetInt.q5(),
            ScaledInt.q5(),
            OffsetInt.q4(),
            ScaledInt.q4(),
            ScaledInt.q2(),
            new SignBits(),
            KSigned.q6(),
            KAffine.q5(),
            KAffine.q4(),
            KSigned.q3(),
            KAffine.q2(),
            UnevenFormat.single(),
            UnevenFormat.superBlock(),
            new Iq3.Free(),
            new Iq3.Smallest(),
            new Iq2.Free(),
            new Iq2.Small(),
            new Iq2.Smallest(),
            new Iq1.Medium(),
            new Iq1.Small(),
            TernaryBlocks.tq2(),
            TernaryBlocks.tq1(),
            TinyFloatFormat.nv(),
            TinyFloatFormat.mx());

    private GgmlTypes() {}

    /** The block type with a number of GGUF files; empty for plain numbers and unknown types. */
    public static Optional<GgmlFormat> byId(int id) {
        return ALL.stream().filter(format -> format.id() == id).findFirst();
    }

    /** The block type with a name in lower case, e.g. {@code q4_k}. */
    public static Optional<GgmlFormat> byName(String name) {
        return ALL.stream().filter(format -> format.name().equals(name)).findFirst();
    }
}
