package org.bitscarp.cuda.emulated;

import java.util.List;
import java.util.function.Function;

/** All arithmetic, by opcode. */
final class Forms {
    private static final List<Function<String, Form>> FAMILIES = List.of(
            IntegerOps::find,
            LongOps::find,
            BitOps::find,
            FloatOps::find,
            ApproximateOps::find,
            DoubleOps::find,
            HalfOps::find,
            ConvertOps::find);

    private Forms() {}

    /** Null when nobody knows the opcode. */
    static Form find(String opcode) {
        for (Function<String, Form> family : FAMILIES) {
            Form form = family.apply(opcode);
            if (form != null) {
                return form;
            }
        }
        return null;
    }
}
