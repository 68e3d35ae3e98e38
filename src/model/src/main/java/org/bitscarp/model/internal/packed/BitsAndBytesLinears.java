package org.bitscarp.model.internal.packed;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.SafetensorsType;
import org.bitscarp.model.Weight;
import org.bitscarp.model.internal.ConfigFields;
import org.bitscarp.model.internal.Json;
import org.bitscarp.model.internal.LinearSource;
import org.bitscarp.model.internal.SafetensorsFiles;
import org.bitscarp.model.internal.weights.MappedFiles;
import tools.jackson.databind.JsonNode;

/**
 * Modules as bitsandbytes packs them in 4 bits, NF4 or FP4 (Dettmers et al. 2023, QLoRA; {@code QuantState.as_dict}):
 * {@code weight} with two codes in a byte, {@code weight.quant_map} with the 16 values of codes, {@code weight.absmax}
 * with a scale for each block, and {@code weight.quant_state.bitsandbytes__<type>}, a JSON object as bytes.
 *
 * <p>Double quantization: {@code absmax} is U8; a scale is {@code nested_quant_map[absmax] × nested_absmax + offset}, with
 * one {@code nested_absmax} for each {@code nested_blocksize} scales.
 */
final class BitsAndBytesLinears extends PackedLinears {
    private static final String STATE = ".weight.quant_state.bitsandbytes__";
    private static final List<String> TYPES = List.of("nf4", "fp4");
    private static final int MAX_STATE_BYTES = 1 << 16;
    private static final int MAX_BLOCK = 1 << 20;

    BitsAndBytesLinears(ConfigFields fields, SafetensorsFiles tensors, MappedFiles files, LinearSource plain)
            throws ModelException {
        super(tensors, files, plain);
        GroupedFields.refuse(fields, "load_in_8bit", "bitsandbytes' 8-bit format");
    }

    @Override
    boolean packed(String module) {
        return TYPES.stream().anyMatch(type -> find(module + STATE + type).isPresent());
    }

    @Override
    Weight open(String module, long out, int in) throws IOException {
        String type = TYPES.stream()
                .filter(t -> find(module + STATE + t).isPresent())
                .findFirst()
                .orElseThrow();
        Part state = find(module + STATE + type).orElseThrow().typed(SafetensorsType.U8);
        ConfigFields fields = fields(state);
        Part codes = beside(state, module + ".weight");
        long count = Math.multiplyExact(out, in);
        JsonNode shape = fields.raw("shape");
        if (shape.size() != 2 || shape.get(0).asLong(-1) != out || shape.get(1).asLong(-1) != in) {
            throw fields.wrong("shape", "[" + out + ", " + in + "], which config.json asks for, found " + shape);
        }
        if (codes.byteSize() != Math.ceilDiv(count, 2)) {
            throw codes.wrong("has " + codes.byteSize() + " bytes; expected " + Math.ceilDiv(count, 2) + " for " + out
                    + " × " + in + " codes of 4 bits");
        }
        int blockSize = fields.requiredInt("blocksize", MAX_BLOCK);
        long blocks = Math.ceilDiv(count, (long) blockSize);
        Part table = beside(state, module + ".weight.quant_map").checked(List.of(16L), "4 bits", SafetensorsType.F32);
        Part absmax = beside(state, module + ".weight.absmax")
                .checked(List.of(blocks), "blocks of " + blockSize, SafetensorsType.F32, SafetensorsType.U8);
        Optional<Nested> nested = absmax.type() == SafetensorsType.U8
                ? Optional.of(nested(module, absmax, fields, blocks))
                : Optional.empty();
        return new CodebookWeight(
                module + ".weight",
                out,
                in,
                type + ":b" + blockSize + (nested.isPresent() ? ":double" : "") + " bitsandbytes",
                codes.byteSize()
                        + table.byteSize()
                        + absmax.byteSize()
                        + nested.map(Nested::byteSize).orElse(0L),
                codes,
                table.floats(),
                blockSize,
                nested.isPresent() ? nested.get() : plain(absmax));
    }

    private static CodebookWeight.BlockScales plain(Part absmax) {
        return (firstBlock, blocks) -> {
            float[] scales = new float[blocks];
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment bytes = absmax.map(4 * firstBlock, 4L * blocks, arena);
                absmax.format().decode(bytes, 0, blocks, MemorySegment.ofArray(scales), 0);
            }
            return scales;
        };
    }

    /** Scales that are codes of a table themselves. */
    private record Nested(Part codes, Part table, Part absmax, int blockSize, float offset)
            implements CodebookWeight.BlockScales {
        long byteSize() {
            return table.byteSize() + absmax.byteSize();
        }

        @Override
        public float[] of(long firstBlock, int blocks) throws IOException {
            float[] values = table.floats();
            float[] outer = absmax.floats();
            byte[] bytes = new byte[blocks];
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment.copy(codes.map(firstBlock, blocks, arena), ValueLayout.JAVA_BYTE, 0, bytes, 0, blocks);
            }
            float[] scales = new float[blocks];
            for (int i = 0; i < blocks; i++) {
                scales[i] = values[bytes[i] & 0xFF] * outer[(int) ((firstBlock + i) / blockSize)] + offset;
            }
            return scales;
        }
    }

    private Nested nested(String module, Part absmax, ConfigFields fields, long blocks) throws ModelException {
        int blockSize = fields.requiredInt("nested_blocksize", MAX_BLOCK);
        Part table = beside(absmax, module + ".weight.nested_quant_map")
                .checked(List.of(256L), "8 bits", SafetensorsType.F32);
        Part outer = beside(absmax, module + ".weight.nested_absmax")
                .checked(
                        List.of(Math.ceilDiv(blocks, (long) blockSize)),
                        "blocks of " + blockSize + " scales",
                        SafetensorsType.F32);
        double offset = fields.requiredNumber("nested_offset", -Float.MAX_VALUE, Float.MAX_VALUE);
        return new Nested(absmax, table, outer, blockSize, (float) offset);
    }

    private static ConfigFields fields(Part state) throws IOException {
        if (state.byteSize() > MAX_STATE_BYTES) {
            throw state.wrong(
                    "has " + state.byteSize() + " bytes; expected a JSON object of at most " + MAX_STATE_BYTES);
        }
        try (Arena arena = Arena.ofConfined()) {
            byte[] text = state.map(arena).toArray(ValueLayout.JAVA_BYTE);
            return new ConfigFields(
                    state.located().file(),
                    state.name() + " ",
                    Json.readObject(state.located().file(), new ByteArrayInputStream(text)));
        }
    }
}
