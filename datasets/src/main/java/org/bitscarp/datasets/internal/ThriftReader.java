package org.bitscarp.datasets.internal;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Structs in Thrift's compact protocol ({@code thrift-compact-protocol.md} of Apache Thrift), which the metadata of a
 * Parquet file is written in. Anything that does not fit the buffer is a {@link BufferUnderflowException} or an
 * {@link IllegalArgumentException}; nothing is allocated by a size that the buffer does not hold.
 */
final class ThriftReader {
    /** Parquet's own metadata is six levels deep. */
    private static final int MAX_DEPTH = 32;

    private final ByteBuffer bytes;

    ThriftReader(ByteBuffer bytes) {
        this.bytes = bytes;
    }

    /** A struct by field number: Long, Boolean, byte[] (also for strings), List, Struct. */
    record Struct(Map<Integer, Object> fields) {
        boolean has(int field) {
            return fields.containsKey(field);
        }

        long number(int field, long absent) {
            return switch (fields.get(field)) {
                case null -> absent;
                case Long value -> value;
                default -> throw new IllegalArgumentException("field " + field + " is no number");
            };
        }

        boolean truth(int field, boolean absent) {
            return fields.get(field) instanceof Boolean value ? value : absent;
        }

        String text(int field) {
            return fields.get(field) instanceof byte[] value
                    ? new String(value, java.nio.charset.StandardCharsets.UTF_8)
                    : "";
        }

        Struct struct(int field) {
            if (fields.get(field) instanceof Struct value) {
                return value;
            }
            throw new IllegalArgumentException("field " + field + " is missing or no struct");
        }

        List<?> list(int field) {
            return fields.get(field) instanceof List<?> value ? value : List.of();
        }

        /** @throws IllegalArgumentException when an element is none */
        List<Struct> structs(int field) {
            List<Struct> structs = new ArrayList<>();
            for (Object element : list(field)) {
                if (!(element instanceof Struct struct)) {
                    throw new IllegalArgumentException("field " + field + " holds something else than structs");
                }
                structs.add(struct);
            }
            return structs;
        }
    }

    /** Reads a struct; the buffer then stands behind it. */
    Struct read() {
        return struct(0);
    }

    private Struct struct(int depth) {
        if (depth > MAX_DEPTH) {
            throw new IllegalArgumentException("structs nested more than " + MAX_DEPTH + " deep");
        }
        Map<Integer, Object> fields = new HashMap<>();
        int field = 0;
        while (true) {
            int head = bytes.get() & 0xff;
            if (head == 0) {
                return new Struct(fields);
            }
            int delta = head >> 4;
            field = delta == 0 ? (int) zigzag() : field + delta;
            int type = head & 15;
            // In a struct a truth value is its type; in a list it takes a byte.
            fields.put(field, type == 1 || type == 2 ? (Object) (type == 1) : value(type, depth));
        }
    }

    private Object value(int type, int depth) {
        return switch (type) {
            case 1, 2 -> bytes.get() == 1;
            case 3 -> (long) bytes.get();
            case 4, 5, 6 -> zigzag();
            case 7 -> bytes.getLong();
            case 8 -> binary();
            case 9, 10 -> list(depth);
            case 12 -> struct(depth + 1);
            default -> throw new IllegalArgumentException("a value of type " + type);
        };
    }

    private byte[] binary() {
        long length = varint();
        if (length < 0 || length > bytes.remaining()) {
            throw new BufferUnderflowException();
        }
        byte[] value = new byte[(int) length];
        bytes.get(value);
        return value;
    }

    private List<Object> list(int depth) {
        int head = bytes.get() & 0xff;
        long size = head >> 4 == 15 ? varint() : head >> 4;
        if (size < 0 || size > bytes.remaining()) {
            throw new BufferUnderflowException();
        }
        List<Object> values = new ArrayList<>((int) Math.min(size, 1024));
        for (long i = 0; i < size; i++) {
            values.add(value(head & 15, depth + 1));
        }
        return values;
    }

    private long varint() {
        return varint(bytes);
    }

    /** An unsigned number in groups of seven bits, the lowest first (LEB128). */
    static long varint(ByteBuffer bytes) {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            int b = bytes.get();
            value |= (long) (b & 0x7f) << shift;
            if (b >= 0) {
                return value;
            }
        }
        throw new IllegalArgumentException("a number of more than 64 bits");
    }

    private long zigzag() {
        long value = varint();
        return value >>> 1 ^ -(value & 1);
    }
}
