package org.bitscarp.model.internal;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.bitscarp.model.SafetensorsWriter;
import tools.jackson.databind.node.ObjectNode;

/** The header of a safetensors file as it is written. */
public final class SafetensorsText {
    /** So that the data begins aligned; the reference implementation pads with spaces too. */
    private static final int ALIGNMENT = 8;

    private SafetensorsText() {}

    /** A JSON object, padded; its bytes in UTF-8 are the header. */
    public static String header(List<SafetensorsWriter.Tensor> order, Map<String, String> metadata) {
        ObjectNode header = Json.MAPPER.createObjectNode();
        if (!metadata.isEmpty()) {
            ObjectNode strings = header.putObject("__metadata__");
            metadata.forEach(strings::put);
        }
        long offset = 0;
        for (SafetensorsWriter.Tensor tensor : order) {
            ObjectNode entry = header.putObject(tensor.name());
            entry.put("dtype", tensor.type().name());
            tensor.shape().forEach(entry.putArray("shape")::add);
            long end = Math.addExact(offset, tensor.byteSize());
            entry.putArray("data_offsets").add(offset).add(end);
            offset = end;
        }
        String text = header.toString();
        int length = text.getBytes(StandardCharsets.UTF_8).length;
        return text + " ".repeat(Math.floorMod(-length, ALIGNMENT));
    }
}
