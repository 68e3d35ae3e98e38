package org.bitscarp.model.internal.gguf;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Key-value pairs of a GGUF file that is about to be written, in the order in which they were put. */
public final class GgufKeys {
    private final Map<String, byte[]> values = new LinkedHashMap<>();

    public GgufKeys() {}

    /** A copy to be added to. */
    public GgufKeys(GgufKeys other) {
        values.putAll(other.values);
    }

    public GgufKeys u32(String key, long value) {
        if (value < 0 || value > 0xFFFF_FFFFL) {
            throw new IllegalArgumentException(key + ": " + value + " is no unsigned 32-bit integer");
        }
        return put(key, GgufValueType.UINT32, out -> out.u32(value));
    }

    public GgufKeys f32(String key, double value) {
        return put(key, GgufValueType.FLOAT32, out -> out.u32(Float.floatToRawIntBits((float) value)));
    }

    public GgufKeys bool(String key, boolean value) {
        return put(key, GgufValueType.BOOL, out -> out.bytes(new byte[] {(byte) (value ? 1 : 0)}));
    }

    public GgufKeys string(String key, String value) {
        return put(key, GgufValueType.STRING, out -> out.string(value.getBytes(StandardCharsets.UTF_8)));
    }

    public GgufKeys strings(String key, List<byte[]> values) {
        return array(key, GgufValueType.STRING, values.size(), out -> values.forEach(out::string));
    }

    public GgufKeys floats(String key, float[] values) {
        return array(key, GgufValueType.FLOAT32, values.length, out -> {
            for (float value : values) {
                out.u32(Float.floatToRawIntBits(value));
            }
        });
    }

    public GgufKeys ints(String key, int[] values) {
        return array(key, GgufValueType.INT32, values.length, out -> {
            for (int value : values) {
                out.u32(value);
            }
        });
    }

    public GgufKeys bools(String key, List<Boolean> values) {
        return array(key, GgufValueType.BOOL, values.size(), out -> {
            for (boolean value : values) {
                out.bytes(new byte[] {(byte) (value ? 1 : 0)});
            }
        });
    }

    /** Takes over a pair of another file as it is. */
    void copy(GgufMetadata source, String key) throws IOException {
        GgufMetadata.Entry entry = source.entry(key).orElseThrow();
        byte[] value = source.input(entry).rest(key);
        put(key, entry.type(), out -> {
            if (entry.type() == GgufValueType.ARRAY) {
                out.u32(entry.element().ordinal());
                out.u64(entry.count());
            }
            out.bytes(value);
        });
    }

    private GgufKeys array(String key, GgufValueType element, long count, Consumer<Output> elements) {
        return put(key, GgufValueType.ARRAY, out -> {
            out.u32(element.ordinal());
            out.u64(count);
            elements.accept(out);
        });
    }

    private GgufKeys put(String key, GgufValueType type, Consumer<Output> value) {
        Output out = new Output();
        out.string(key.getBytes(StandardCharsets.UTF_8));
        out.u32(type.ordinal());
        value.accept(out);
        values.put(key, out.bytes.toByteArray());
        return this;
    }

    public boolean has(String key) {
        return values.containsKey(key);
    }

    int size() {
        return values.size();
    }

    /** All pairs, as they stand in a file. */
    Iterable<byte[]> encoded() {
        return values.values();
    }

    /** Little-endian bytes. */
    static final class Output {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private final ByteBuffer eight = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);

        void u32(long value) {
            bytes.write(eight.putInt(0, (int) value).array(), 0, 4);
        }

        void u64(long value) {
            bytes.write(eight.putLong(0, value).array(), 0, 8);
        }

        void string(byte[] value) {
            u64(value.length);
            bytes(value);
        }

        void bytes(byte[] value) {
            bytes.writeBytes(value);
        }

        int size() {
            return bytes.size();
        }

        byte[] toByteArray() {
            return bytes.toByteArray();
        }
    }
}
