package org.bitscarp.datasets.internal;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;

/**
 * Small numbers in runs and in packed bits: definition levels and dictionary indices (Parquet format,
 * {@code Encodings.md}, "Run Length Encoding / Bit-Packing Hybrid").
 */
final class Levels {
    private Levels() {}

    /**
     * @param bits width of a number, 0 to 32
     * @param count numbers to read; the caller bounds it
     */
    static int[] read(ByteBuffer bytes, int bits, int count) {
        if (bits < 0 || bits > 32) {
            throw new IllegalArgumentException("numbers of " + bits + " bits");
        }
        int[] values = new int[count];
        int done = 0;
        while (done < count) {
            long head = ThriftReader.varint(bytes);
            long run = head >>> 1;
            if (run == 0) {
                throw new IllegalArgumentException("an empty run");
            }
            if ((head & 1) == 0) {
                int value = 0;
                for (int i = 0; i < (bits + 7) / 8; i++) {
                    value |= (bytes.get() & 0xff) << 8 * i;
                }
                int end = (int) Math.min(count, done + run);
                java.util.Arrays.fill(values, done, end, value);
                done = end;
            } else {
                done = unpack(bytes, bits, run, values, done);
            }
        }
        return values;
    }

    /** Groups of eight numbers; the last group may stand for fewer. */
    private static int unpack(ByteBuffer bytes, int bits, long groups, int[] values, int from) {
        long length = groups * bits;
        if (groups > Integer.MAX_VALUE || length > bytes.remaining()) {
            throw new BufferUnderflowException();
        }
        int start = bytes.position();
        int end = (int) Math.min(values.length, from + groups * 8);
        for (int i = from; i < end; i++) {
            long bit = (long) (i - from) * bits;
            long value = 0;
            for (int b = 0; b < bits; b++, bit++) {
                value |= (long) (bytes.get(start + (int) (bit >> 3)) >> (bit & 7) & 1) << b;
            }
            values[i] = (int) value;
        }
        bytes.position(start + (int) length);
        return end;
    }
}
