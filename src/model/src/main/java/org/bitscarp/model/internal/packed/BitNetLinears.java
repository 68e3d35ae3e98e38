package org.bitscarp.model.internal.packed;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.SafetensorsType;
import org.bitscarp.model.Weight;
import org.bitscarp.model.internal.ConfigFields;
import org.bitscarp.model.internal.LinearSource;
import org.bitscarp.model.internal.SafetensorsFiles;
import org.bitscarp.model.internal.weights.MappedFiles;
import tools.jackson.databind.JsonNode;

/**
 * Modules of BitNet b1.58 as transformers' {@code BitLinear} and {@code AutoBitLinear} take them: {@code weight} U8
 * {@code [out/4, in]} ({@link TernaryWeight}) with one {@code weight_scale}, by which the first divides and the second
 * multiplies; or, in the mode {@code online} of the second, plain numbers ({@link RoundedTernaryWeight}).
 *
 * <p>Both round activations to 8 bits, which is the architecture's business.
 */
final class BitNetLinears extends PackedLinears {
    private static final String HEAD = "lm_head";

    private final boolean multiplies;
    private final boolean online;
    private final List<String> left;

    BitNetLinears(ConfigFields fields, SafetensorsFiles tensors, MappedFiles files, LinearSource plain)
            throws ModelException {
        super(tensors, files, plain);
        GroupedFields.refuse(fields, "use_rms_norm", "a norm in front of every linear map");
        multiplies = switch (fields.string("linear_class").orElse("bitlinear")) {
            case "bitlinear" -> false;
            case "autobitlinear" -> true;
            default -> throw fields.wrong("linear_class", "bitlinear or autobitlinear");
        };
        online = switch (fields.string("quantization_mode").orElse("offline")) {
            case "offline" -> false;
            // BitLinear knows packed weights only, whatever the mode.
            case "online" -> multiplies;
            default -> throw fields.wrong("quantization_mode", "offline or online");
        };
        left = leftAlone(fields);
        if (online && !left.contains(HEAD)) {
            throw fields.wrong(
                    "modules_to_not_convert", "a list with " + HEAD + ", since rounding it is not supported");
        }
    }

    private static List<String> leftAlone(ConfigFields fields) throws ModelException {
        JsonNode names = fields.raw("modules_to_not_convert");
        if (!fields.has("modules_to_not_convert")) {
            return List.of(HEAD);
        }
        List<String> left = new ArrayList<>();
        for (JsonNode name : names) {
            if (!name.isString() || !name.stringValue().matches("[A-Za-z0-9_.]{1,200}")) {
                throw fields.wrong("modules_to_not_convert", "a list of names of modules, without patterns");
            }
            left.add(name.stringValue());
        }
        return left;
    }

    /** In the mode {@code online} the ending of a name, its beginning, or the name itself, as transformers compares. */
    private boolean rounds(String module) {
        return online && left.stream().noneMatch(name -> module.startsWith(name) || module.endsWith(name));
    }

    @Override
    boolean packed(String module) {
        return find(module + ".weight")
                .filter(part -> part.type() == SafetensorsType.U8)
                .isPresent();
    }

    @Override
    Weight plain(String module, long out, long in) throws ModelException {
        Optional<Part> scale = find(module + ".weight_scale");
        if (scale.isPresent()) {
            throw scale.get().wrong("scales a weight that is not packed; expected " + module + ".weight as U8");
        }
        Weight plain = super.plain(module, out, in);
        return rounds(module) ? new RoundedTernaryWeight(plain) : plain;
    }

    @Override
    Weight open(String module, long out, int in) throws IOException {
        Part weight = find(module + ".weight").orElseThrow();
        if (online) {
            throw weight.wrong("is packed; with quantization_mode online expected plain numbers");
        }
        if (out % 4 != 0) {
            throw weight.wrong("cannot hold " + out + " outputs; expected a multiple of 4");
        }
        weight.checked(List.of(out / 4, (long) in), "four of " + out + " outputs in a byte", SafetensorsType.U8);
        Part scale = beside(weight, module + ".weight_scale")
                .typed(SafetensorsType.F16, SafetensorsType.BF16, SafetensorsType.F32);
        if (scale.byteSize() != scale.type().bits() / 8) {
            throw scale.wrong("has shape " + scale.shape() + "; expected one number");
        }
        float s = scale.floats()[0];
        float[] values = new float[4];
        for (int code = 0; code < 4; code++) {
            values[code] = multiplies ? (code - 1) * s : (code - 1) / s;
        }
        return new TernaryWeight(
                module + ".weight",
                out,
                in,
                "ternary:tensor bitnet",
                weight.byteSize() + scale.byteSize(),
                weight,
                values);
    }
}
