package org.bitscarp.model;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Puts GGUF files together, byte for byte as asked: also such as no reader should accept. */
public final class GgufBytes {
    /** Numbers of value types. */
    public static final int UINT8 = 0;

    public static final int INT8 = 1;
    public static final int UINT16 = 2;
    public static final int INT16 = 3;
    public static final int UINT32 = 4;
    public static final int INT32 = 5;
    public static final int FLOAT32 = 6;
    public static final int BOOL = 7;
    public static final int STRING = 8;
    public static final int ARRAY = 9;
    public static final int UINT64 = 10;
    public static final int INT64 = 11;
    public static final int FLOAT64 = 12;

    private record Tensor(String name, int type, List<Long> shape, byte[] data, Long offset) {}

    private final Map<String, byte[]> values = new LinkedHashMap<>();
    private final List<Tensor> tensors = new ArrayList<>();
    private int version = 3;
    private int alignment = 32;

    public GgufBytes version(int value) {
        version = value;
        return this;
    }

    /** Where data are placed; the key is for the caller to set. */
    public GgufBytes alignment(int value) {
        alignment = value;
        return this;
    }

    /** Type number and value, or an array with its element type and count, as raw bytes. */
    public GgufBytes raw(String key, byte[] typeAndValue) {
        values.put(key, typeAndValue);
        return this;
    }

    public GgufBytes string(String key, String value) {
        return raw(key, concat(i32(STRING), text(value)));
    }

    public GgufBytes u32(String key, long value) {
        return raw(key, concat(i32(UINT32), i32((int) value)));
    }

    public GgufBytes f32(String key, double value) {
        return raw(key, concat(i32(FLOAT32), i32(Float.floatToRawIntBits((float) value))));
    }

    public GgufBytes bool(String key, boolean value) {
        return raw(key, concat(i32(BOOL), new byte[] {(byte) (value ? 1 : 0)}));
    }

    public GgufBytes strings(String key, List<String> elements) {
        byte[][] parts = elements.stream().map(GgufBytes::text).toArray(byte[][]::new);
        return raw(key, concat(i32(ARRAY), i32(STRING), i64(elements.size()), concat(parts)));
    }

    public GgufBytes ints(String key, int... elements) {
        ByteBuffer out = ByteBuffer.allocate(4 * elements.length).order(ByteOrder.LITTLE_ENDIAN);
        out.asIntBuffer().put(elements);
        return raw(key, concat(i32(ARRAY), i32(INT32), i64(elements.length), out.array()));
    }

    public GgufBytes floats(String key, float... elements) {
        ByteBuffer out = ByteBuffer.allocate(4 * elements.length).order(ByteOrder.LITTLE_ENDIAN);
        out.asFloatBuffer().put(elements);
        return raw(key, concat(i32(ARRAY), i32(FLOAT32), i64(elements.length), out.array()));
    }

    public GgufBytes remove(String key) {
        values.remove(key);
        return this;
    }

    /** @param shape outermost first */
    public GgufBytes tensor(String name, int type, List<Long> shape, byte[] data) {
        tensors.add(new Tensor(name, type, shape, data, null));
        return this;
    }

    /** A tensor whose info claims an offset of its own; it has no data. */
    public GgufBytes tensorAt(String name, int type, List<Long> shape, long offset) {
        tensors.add(new Tensor(name, type, shape, new byte[0], offset));
        return this;
    }

    public byte[] build() {
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
        out.writeBytes(i32(version));
        out.writeBytes(i64(tensors.size()));
        out.writeBytes(i64(values.size()));
        values.forEach((key, value) -> {
            out.writeBytes(text(key));
            out.writeBytes(value);
        });
        for (Tensor tensor : tensors) {
            out.writeBytes(text(tensor.name));
            out.writeBytes(i32(tensor.shape.size()));
            for (Long dimension : tensor.shape.reversed()) {
                out.writeBytes(i64(dimension));
            }
            out.writeBytes(i32(tensor.type));
            out.writeBytes(i64(tensor.offset == null ? data.size() : tensor.offset));
            data.writeBytes(tensor.data);
            pad(data);
        }
        pad(out);
        out.writeBytes(data.toByteArray());
        return out.toByteArray();
    }

    private void pad(ByteArrayOutputStream out) {
        out.writeBytes(new byte[Math.floorMod(-out.size(), alignment)]);
    }

    public static byte[] text(String value) {
        byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
        return concat(i64(bytes.length), bytes);
    }

    public static byte[] i32(int value) {
        return ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(value)
                .array();
    }

    public static byte[] i64(long value) {
        return ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(value)
                .array();
    }

    public static byte[] concat(byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }
}
