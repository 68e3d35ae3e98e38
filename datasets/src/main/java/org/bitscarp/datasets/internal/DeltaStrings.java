package org.bitscarp.datasets.internal;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Strings whose lengths, and shared beginnings, are stored as differences (Parquet format, {@code Encodings.md}:
 * DELTA_BINARY_PACKED, DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY), as writers of newer versions of the format do.
 */
final class DeltaStrings {
    /** Longest string; a page is smaller. */
    private static final long MAX_LENGTH = 1 << 28;

    private DeltaStrings() {}

    /** DELTA_LENGTH_BYTE_ARRAY: all lengths, then all bytes. */
    static String[] lengths(ByteBuffer bytes, int count) {
        return Arrays.stream(raw(bytes, count))
                .map(value -> new String(value, StandardCharsets.UTF_8))
                .toArray(String[]::new);
    }

    /** DELTA_BYTE_ARRAY: how many bytes each string shares with the one before, then the rest of each. */
    static String[] prefixes(ByteBuffer bytes, int count, long maxBytes) {
        int[] shared = numbers(bytes, count);
        byte[][] rests = raw(bytes, count);
        String[] values = new String[count];
        byte[] before = new byte[0];
        long total = 0;
        for (int i = 0; i < count; i++) {
            total += shared[i] + rests[i].length;
            if (shared[i] < 0 || shared[i] > before.length || total > maxBytes) {
                throw new IllegalArgumentException("a string that shares " + shared[i] + " bytes with one of "
                        + before.length + ", or more than " + maxBytes + " bytes in a page");
            }
            byte[] value = Arrays.copyOf(before, shared[i] + rests[i].length);
            System.arraycopy(rests[i], 0, value, shared[i], rests[i].length);
            values[i] = new String(value, StandardCharsets.UTF_8);
            before = value;
        }
        return values;
    }

    private static byte[][] raw(ByteBuffer bytes, int count) {
        int[] lengths = numbers(bytes, count);
        byte[][] values = new byte[count][];
        for (int i = 0; i < count; i++) {
            if (lengths[i] < 0 || lengths[i] > bytes.remaining()) {
                throw new BufferUnderflowException();
            }
            values[i] = new byte[lengths[i]];
            bytes.get(values[i]);
        }
        return values;
    }

    /** DELTA_BINARY_PACKED: blocks of differences above the block's least one, bit-packed in groups of own widths. */
    private static int[] numbers(ByteBuffer bytes, int count) {
        long block = ThriftReader.varint(bytes);
        long groups = ThriftReader.varint(bytes);
        long total = ThriftReader.varint(bytes);
        long value = zigzag(bytes);
        boolean sane = groups > 0 && groups <= 1024 && block > 0 && block <= 1 << 20 && block % groups == 0;
        if (!sane || total != count) {
            throw new IllegalArgumentException(total + " differences in blocks of " + block + " and " + groups
                    + " groups, for " + count + " values");
        }
        int size = (int) (block / groups);
        int[] values = new int[count];
        int done = 0;
        if (count > 0) {
            values[done++] = length(value);
        }
        while (done < count) {
            long least = zigzag(bytes);
            byte[] widths = new byte[(int) groups];
            bytes.get(widths);
            for (int g = 0; g < groups && done < count; g++) {
                int from = bytes.position();
                int end = from + (int) (((long) size * widths[g] + 7) / 8);
                if (widths[g] < 0 || widths[g] > 64 || end > bytes.limit()) {
                    throw new BufferUnderflowException();
                }
                for (int i = 0; i < size && done < count; i++) {
                    value += least + packed(bytes, from, widths[g], i);
                    values[done++] = length(value);
                }
                bytes.position(end);
            }
        }
        return values;
    }

    private static long packed(ByteBuffer bytes, int from, int width, int index) {
        long value = 0;
        long bit = (long) index * width;
        for (int b = 0; b < width; b++, bit++) {
            value |= (long) (bytes.get(from + (int) (bit >> 3)) >> (bit & 7) & 1) << b;
        }
        return value;
    }

    private static int length(long value) {
        if (value < 0 || value > MAX_LENGTH) {
            throw new IllegalArgumentException("a string of " + value + " bytes");
        }
        return (int) value;
    }

    private static long zigzag(ByteBuffer bytes) {
        long value = ThriftReader.varint(bytes);
        return value >>> 1 ^ -(value & 1);
    }
}
