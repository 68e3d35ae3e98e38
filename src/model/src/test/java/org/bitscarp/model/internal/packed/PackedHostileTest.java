package org.bitscarp.model.internal.packed;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.DamagedFiles;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.Mutations;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Damage to packed models: headers, shapes that still have the right size, configuration, and tensors of indices. */
class PackedHostileTest extends DamagedFiles {
    private static final int VARIANTS = 200;
    private static final String[] TYPES = {"I32", "U32", "F32", "F16", "BF16", "I16", "U8", "I8", "I64", "F8_E4M3"};
    private static final int[] WIDTHS = {4, 4, 4, 2, 2, 2, 1, 1, 8, 1};

    static Stream<Path> fixtures() throws Exception {
        return PackedFixturesTest.fixtures();
    }

    @ParameterizedTest
    @MethodSource("fixtures")
    void damagedPackedModels(Path fixture) throws IOException {
        Path config = folder.resolve("config.json");
        Path weights = folder.resolve("model.safetensors");
        if (Files.exists(fixture.resolve("quantize_config.json"))) {
            Files.copy(fixture.resolve("quantize_config.json"), folder.resolve("quantize_config.json"));
        }
        String intact = Files.readString(fixture.resolve("config.json"));
        byte[] file = Files.readAllBytes(fixture.resolve("model.safetensors"));
        Safetensors damageable = new Safetensors(file);
        survives(VARIANTS, random -> {
            boolean settings = random.nextInt(4) == 0;
            Files.writeString(config, settings ? Mutations.json(intact, random) : intact);
            byte[] damaged = settings
                    ? file
                    : switch (random.nextInt(3)) {
                        case 0 -> damageable.damaged(random);
                        case 1 -> reshaped(file, random);
                        default -> overwritten(file, random);
                    };
            Files.write(weights, damaged);
            return folder;
        });
        assertTrue(opened > VARIANTS / 20, "some damage is harmless: " + opened);
    }

    private static ObjectNode header(byte[] file) {
        int length = (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
        return (ObjectNode) JsonMapper.shared().readTree(new String(file, 8, length, StandardCharsets.UTF_8));
    }

    private static String tensor(ObjectNode header, SplittableRandom random) {
        List<String> names = new ArrayList<>(header.propertyNames());
        names.remove("__metadata__");
        // What belongs to a packed weight rather than norms and embeddings.
        names.removeIf(name -> !name.contains("_proj"));
        return names.get(random.nextInt(names.size()));
    }

    /** Another shape or type of as many bytes, or a tensor under another name. */
    private static byte[] reshaped(byte[] file, SplittableRandom random) {
        ObjectNode header = header(file);
        String name = tensor(header, random);
        ObjectNode entry = (ObjectNode) header.get(name);
        long bytes = entry.get("data_offsets").get(1).longValue()
                - entry.get("data_offsets").get(0).longValue();
        switch (random.nextInt(4)) {
            case 0 -> {
                header.remove(name);
                header.set(name.substring(0, name.lastIndexOf('.')) + ".other", entry);
            }
            case 1 -> {
                int type = random.nextInt(TYPES.length);
                entry.put("dtype", TYPES[type]);
                entry.putArray("shape").add(bytes / WIDTHS[type]);
            }
            case 2 -> {
                ArrayNode shape = (ArrayNode) entry.get("shape");
                shape.add(shape.remove(0));
            }
            default -> {
                ArrayNode shape = (ArrayNode) entry.get("shape");
                long first = shape.get(0).longValue();
                if (first % 2 == 0 && shape.size() > 1) {
                    shape.set(0, first / 2);
                    shape.set(1, shape.get(1).longValue() * 2);
                } else {
                    shape.add(1);
                }
            }
        }
        byte[] text = header.toString().getBytes(StandardCharsets.UTF_8);
        int length = (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
        ByteBuffer changed =
                ByteBuffer.allocate(8 + text.length + file.length - 8 - length).order(ByteOrder.LITTLE_ENDIAN);
        changed.putLong(text.length).put(text).put(file, 8 + length, file.length - 8 - length);
        return changed.array();
    }

    /** A tensor of all ones, of all zeros, or of noise: indices out of range, scales that are NaN, states that are no JSON. */
    private static byte[] overwritten(byte[] file, SplittableRandom random) {
        ObjectNode header = header(file);
        ObjectNode entry = (ObjectNode) header.get(tensor(header, random));
        int length = (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
        int from = 8 + length + entry.get("data_offsets").get(0).intValue();
        int to = 8 + length + entry.get("data_offsets").get(1).intValue();
        byte[] changed = file.clone();
        int kind = random.nextInt(4);
        for (int i = from; i < to; i++) {
            if (kind < 3 || random.nextInt(20) == 0) {
                changed[i] = kind == 0 ? 0 : kind == 1 ? (byte) -1 : (byte) random.nextInt();
            }
        }
        return changed;
    }

    /** The message names the tensor, the column and the group. */
    @Test
    void anIndexOutOfRangeIsNamed() throws Exception {
        for (String name : new String[] {"gptq-v1-4bit-asym-g32-order", "ct-w4-group-asym-order"}) {
            Path fixture = fixtures().filter(f -> f.endsWith(name)).findFirst().orElseThrow();
            byte[] file = Files.readAllBytes(fixture.resolve("model.safetensors"));
            ObjectNode header = header(file);
            for (String tensor : header.propertyNames()) {
                if (tensor.endsWith("q_proj.g_idx") || tensor.endsWith("q_proj.weight_g_idx")) {
                    int length = (int)
                            ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
                    int at = 8
                            + length
                            + header.get(tensor).get("data_offsets").get(0).intValue();
                    ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putInt(at + 4 * 5, 2);
                }
            }
            Files.write(folder.resolve("model.safetensors"), file);
            Files.writeString(folder.resolve("config.json"), Files.readString(fixture.resolve("config.json")));
            try (Checkpoint checkpoint = Checkpoints.open(folder);
                    Arena arena = Arena.ofConfined()) {
                Weight query = checkpoint.weight(TensorRole.QUERY, 0).orElseThrow();
                String message = assertThrows(
                                ModelException.class, () -> query.read(0, 1, arena.allocate(4 * query.columns(), 4), 0))
                        .getMessage();
                assertTrue(message.contains("g_idx puts column 5 into group 2; there are 2 groups"), message);
            }
        }
    }
}
