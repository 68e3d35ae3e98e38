package org.bitscarp.model.internal.gguf;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import org.bitscarp.model.ModelException;

/**
 * The key-value pairs of a GGUF file. Opening walks over the values and keeps where they lie; a vocabulary of a quarter
 * of a million strings is read when a tokenizer is made, not to list the tensors.
 */
final class GgufMetadata {
    /** Keys are at most 2^16 − 1 bytes by the specification. */
    static final int MAX_KEY_BYTES = 65_535;

    /** A hundred times more than files in circulation have; bounds the map. */
    private static final int MAX_KEYS = 10_000;

    /** Of one string that is read as a setting; chat templates stay far below and are not read at all. */
    private static final int MAX_STRING_BYTES = 1 << 20;

    /** Above every published vocabulary and its merges by a factor of ten; bounds arrays that are read. */
    static final int MAX_ELEMENTS = 1 << 23;

    /** Arrays of arrays are allowed by the specification and used by nobody. */
    private static final int MAX_DEPTH = 4;

    /**
     * Where a value lies: bytes {@code [offset, end)}.
     *
     * @param element type of the elements of an array; null otherwise
     * @param count elements of an array; 1 otherwise
     */
    record Entry(GgufValueType type, GgufValueType element, long count, long offset, long end) {}

    private final Path file;
    private final FileChannel channel;
    private final Map<String, Entry> entries = new LinkedHashMap<>();

    /** Walks over {@code count} pairs. */
    GgufMetadata(FileChannel channel, GgufInput in, long count) throws IOException {
        this.file = in.file();
        this.channel = channel;
        if (Long.compareUnsigned(count, MAX_KEYS) > 0) {
            throw new ModelException(file + ": " + Long.toUnsignedString(count) + " metadata keys; expected at most "
                    + MAX_KEYS + " (a damaged file)");
        }
        for (long i = 0; i < count; i++) {
            String key = new String(in.string("metadata key " + i, MAX_KEY_BYTES), StandardCharsets.UTF_8);
            if (key.isEmpty()) {
                throw new ModelException(file + ": metadata key " + i + " is empty");
            }
            if (entries.put(key, walk(in, key)) != null) {
                throw new ModelException(file + ": metadata key " + key + " is there twice");
            }
        }
    }

    private static Entry walk(GgufInput in, String key) throws IOException {
        GgufValueType type = type(in, key);
        if (type != GgufValueType.ARRAY) {
            long offset = in.position();
            skip(in, key, type, 1, 0);
            return new Entry(type, null, 1, offset, in.position());
        }
        GgufValueType element = type(in, key);
        long count = in.i64(key);
        long offset = in.position();
        skip(in, key, element, count, 1);
        return new Entry(type, element, count, offset, in.position());
    }

    private static GgufValueType type(GgufInput in, String key) throws IOException {
        int id = in.i32(key);
        GgufValueType type = GgufValueType.of(id);
        if (type == null) {
            throw new ModelException(in.file() + ": metadata key " + key + " has the unknown value type "
                    + Integer.toUnsignedString(id) + "; expected 0 to 12");
        }
        return type;
    }

    private static void skip(GgufInput in, String key, GgufValueType type, long count, int depth) throws IOException {
        // A string takes at least 8 bytes and an array 12, so a count cannot claim more than the file holds.
        int least = type == GgufValueType.STRING ? 8 : type == GgufValueType.ARRAY ? 12 : type.bytes();
        if (Long.compareUnsigned(count, in.remaining() / least) > 0) {
            throw new ModelException(in.file() + ": metadata key " + key + " has " + Long.toUnsignedString(count)
                    + " values of type " + type + ", but only " + in.remaining() + " bytes of the header are left");
        }
        switch (type) {
            case STRING -> {
                for (long i = 0; i < count; i++) {
                    in.skipString(key);
                }
            }
            case ARRAY -> {
                if (depth >= MAX_DEPTH) {
                    throw new ModelException(
                            in.file() + ": metadata key " + key + " has arrays nested deeper than " + MAX_DEPTH);
                }
                for (long i = 0; i < count; i++) {
                    GgufValueType element = type(in, key);
                    skip(in, key, element, in.i64(key), depth + 1);
                }
            }
            default -> in.skip(count * type.bytes(), key);
        }
    }

    Path file() {
        return file;
    }

    Set<String> keys() {
        return Collections.unmodifiableSet(entries.keySet());
    }

    boolean has(String key) {
        return entries.containsKey(key);
    }

    Optional<Entry> entry(String key) {
        return Optional.ofNullable(entries.get(key));
    }

    /** Elements of an array; 0 for an absent one. */
    long count(String key) throws ModelException {
        Entry entry = entries.get(key);
        if (entry != null && entry.type != GgufValueType.ARRAY) {
            throw wrong(key, "an array");
        }
        return entry == null ? 0 : entry.count;
    }

    GgufInput input(Entry entry) {
        return new GgufInput(file, channel, entry.offset, entry.end);
    }

    /** An integer of any width from {@code min} to {@code max}, or {@code absent}. */
    long integerOr(String key, long absent, long min, long max) throws IOException {
        Entry entry = entries.get(key);
        if (entry == null) {
            return absent;
        }
        String expected = "an integer from " + min + " to " + max;
        if (!entry.type.integer()) {
            throw wrong(key, expected);
        }
        GgufInput in = input(entry);
        long value = switch (entry.type) {
            case UINT8 -> in.u8(key);
            case INT8 -> (byte) in.u8(key);
            case UINT16 -> in.u16(key);
            case INT16 -> (short) in.u16(key);
            case UINT32 -> Integer.toUnsignedLong(in.i32(key));
            case INT32 -> in.i32(key);
            default -> in.i64(key);
        };
        if (value < min || value > max) {
            throw wrong(key, expected);
        }
        return value;
    }

    int requiredInt(String key, int max) throws IOException {
        if (!has(key)) {
            throw new ModelException(
                    file + ": metadata key " + key + " is missing; expected an integer from 1 to " + max);
        }
        return (int) integerOr(key, 0, 1, max);
    }

    /** A finite number from {@code min} to {@code max}. */
    OptionalDouble number(String key, double min, double max) throws IOException {
        Entry entry = entries.get(key);
        if (entry == null) {
            return OptionalDouble.empty();
        }
        double value = switch (entry.type) {
            case FLOAT32 -> Float.intBitsToFloat(input(entry).i32(key));
            case FLOAT64 -> Double.longBitsToDouble(input(entry).i64(key));
            default -> entry.type.integer() ? integerOr(key, 0, Long.MIN_VALUE, Long.MAX_VALUE) : Double.NaN;
        };
        if (!(value >= min && value <= max)) {
            throw wrong(key, "a number from " + min + " to " + max);
        }
        return OptionalDouble.of(value);
    }

    boolean booleanOr(String key, boolean absent) throws IOException {
        Entry entry = entries.get(key);
        if (entry == null) {
            return absent;
        }
        if (entry.type != GgufValueType.BOOL) {
            throw wrong(key, "true or false");
        }
        return input(entry).u8(key) != 0;
    }

    Optional<String> string(String key) throws IOException {
        Entry entry = entries.get(key);
        if (entry == null) {
            return Optional.empty();
        }
        if (entry.type != GgufValueType.STRING) {
            throw wrong(key, "a string");
        }
        return Optional.of(new String(input(entry).string(key, MAX_STRING_BYTES), StandardCharsets.UTF_8));
    }

    ModelException wrong(String key, String expected) throws ModelException {
        return new ModelException(file + ": metadata key " + key + ": expected " + expected + ", found " + found(key));
    }

    private String found(String key) {
        Entry entry = entries.get(key);
        if (entry == null) {
            return "nothing";
        }
        if (entry.type == GgufValueType.ARRAY) {
            return "an array of " + entry.count + " " + entry.element;
        }
        try {
            GgufInput in = input(entry);
            String value = switch (entry.type) {
                case UINT8, INT8 -> Integer.toString((byte) in.u8(key));
                case UINT16, INT16 -> Integer.toString((short) in.u16(key));
                case UINT32 -> Integer.toUnsignedString(in.i32(key));
                case INT32 -> Integer.toString(in.i32(key));
                case UINT64 -> Long.toUnsignedString(in.i64(key));
                case INT64 -> Long.toString(in.i64(key));
                case FLOAT32 -> Float.toString(Float.intBitsToFloat(in.i32(key)));
                case FLOAT64 -> Double.toString(Double.longBitsToDouble(in.i64(key)));
                case BOOL -> Boolean.toString(in.u8(key) != 0);
                default -> "\"" + new String(in.string(key, MAX_STRING_BYTES), StandardCharsets.UTF_8) + "\"";
            };
            return entry.type + " " + value;
        } catch (IOException e) {
            return entry.type.toString();
        }
    }
}
