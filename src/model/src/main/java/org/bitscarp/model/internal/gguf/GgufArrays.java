package org.bitscarp.model.internal.gguf;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.bitscarp.model.ModelException;

/** Reads the long arrays of the metadata: vocabularies, their scores and types, merges. */
final class GgufArrays {
    /** Of one token or merge. */
    private static final int MAX_STRING_BYTES = 1 << 16;

    private GgufArrays() {}

    /**
     * Strings as their bytes, one char for each byte: keys of maps that never alter what is not valid UTF-8.
     *
     * @return empty for an absent key
     */
    static Optional<String[]> byteStrings(GgufMetadata metadata, String key) throws IOException {
        if (!metadata.has(key)) {
            return Optional.empty();
        }
        GgufInput in = open(metadata, key, GgufValueType.STRING);
        String[] strings = new String[(int) metadata.count(key)];
        for (int i = 0; i < strings.length; i++) {
            strings[i] = new String(in.string(key + "[" + i + "]", MAX_STRING_BYTES), StandardCharsets.ISO_8859_1);
        }
        return Optional.of(strings);
    }

    /** Numbers that are compared with each other, so none may be NaN; 32-bit floats or integers. */
    static Optional<float[]> floats(GgufMetadata metadata, String key) throws IOException {
        if (!metadata.has(key)) {
            return Optional.empty();
        }
        boolean integers = metadata.entry(key).orElseThrow().element() == GgufValueType.INT32;
        GgufInput in = open(metadata, key, integers ? GgufValueType.INT32 : GgufValueType.FLOAT32);
        float[] values = new float[(int) metadata.count(key)];
        for (int i = 0; i < values.length; i++) {
            int bits = in.i32(key);
            values[i] = integers ? bits : Float.intBitsToFloat(bits);
            if (Float.isNaN(values[i])) {
                throw new ModelException(metadata.file() + ": metadata key " + key + "[" + i + "] is not a number");
            }
        }
        return Optional.of(values);
    }

    static Optional<int[]> ints(GgufMetadata metadata, String key) throws IOException {
        if (!metadata.has(key)) {
            return Optional.empty();
        }
        GgufInput in = open(metadata, key, GgufValueType.INT32);
        int[] values = new int[(int) metadata.count(key)];
        for (int i = 0; i < values.length; i++) {
            values[i] = in.i32(key);
        }
        return Optional.of(values);
    }

    private static GgufInput open(GgufMetadata metadata, String key, GgufValueType element) throws ModelException {
        GgufMetadata.Entry entry = metadata.entry(key).orElseThrow();
        if (entry.element() != element || entry.count() > GgufMetadata.MAX_ELEMENTS) {
            throw metadata.wrong(key, "an array of up to " + GgufMetadata.MAX_ELEMENTS + " " + element);
        }
        return metadata.input(entry);
    }
}
