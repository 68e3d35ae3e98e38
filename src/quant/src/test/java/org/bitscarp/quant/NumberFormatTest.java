package org.bitscarp.quant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class NumberFormatTest {
    private static final int[] COUNTS = {0, 1, 7, 8, 15, 16, 17, 31, 33, 1000, 5000};

    private static MiniFloat mini(NumberFormat format) {
        return switch (format) {
            case FP16 -> MiniFloat.FP16;
            case BF16 -> MiniFloat.BF16;
            case FP8_E4M3 -> MiniFloat.E4M3;
            case FP8_E5M2 -> MiniFloat.E5M2;
            default -> null;
        };
    }

    @ParameterizedTest
    @EnumSource(names = {"FP16", "BF16", "FP8_E4M3", "FP8_E5M2"})
    void everyCodeReadsAsItsMiniFloat(NumberFormat format) {
        MiniFloat mini = mini(format);
        int codes = 2 * mini.signBit();
        MemorySegment stored = MemorySegment.ofArray(new byte[codes * format.bytes()]);
        for (int code = 0; code < codes; code++) {
            if (format.bytes() == 2) {
                stored.set(ValueLayout.JAVA_BYTE, 2L * code, (byte) code);
                stored.set(ValueLayout.JAVA_BYTE, 2L * code + 1, (byte) (code >> 8));
            } else {
                stored.set(ValueLayout.JAVA_BYTE, code, (byte) code);
            }
        }
        float[] decoded = new float[codes];
        format.decode(stored, 0, codes, decoded, 0);
        MemorySegment back = MemorySegment.ofArray(new byte[format.bytes()]);
        for (int code = 0; code < codes; code++) {
            float value = format.get(stored, (long) code * format.bytes());
            assertEquals(mini.decode(code), value, "code " + code);
            assertEquals(value, decoded[code], "bulk, code " + code);
            format.put(back, 0, value);
            assertEquals(value, format.get(back, 0), "code " + code);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"FP16", "BF16", "FP8_E4M3", "FP8_E5M2"})
    void puttingRoundsAsTheMiniFloatDoes(NumberFormat format) {
        MiniFloat mini = mini(format);
        MemorySegment back = MemorySegment.ofArray(new byte[format.bytes()]);
        for (int code = 0; code < mini.signBit() - 1; code++) {
            float low = mini.decode(code);
            float middle = (float) (((double) low + mini.decode(code + 1)) / 2);
            for (float x : new float[] {low, middle, Math.nextUp(middle), Math.nextDown(middle), -middle}) {
                format.put(back, 0, x);
                assertEquals(mini.decode(mini.encode(x)), format.get(back, 0), () -> format + " of " + x);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void bulkAgreesWithOneByOneAtAnySizeAndAlignment(NumberFormat format) {
        SplittableRandom random = new SplittableRandom(7);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment source = arena.allocate(5003L * format.bytes() + 16);
            for (long i = 0; i < source.byteSize(); i++) {
                source.set(ValueLayout.JAVA_BYTE, i, (byte) random.nextInt());
            }
            for (int count : COUNTS) {
                for (int shift : new int[] {0, 1, 2, 3, 5}) {
                    // Guard bytes around the target must survive.
                    MemorySegment target = arena.allocate(4L * count + 16);
                    target.fill((byte) 0x5A);
                    format.decode(source, shift, (long) count, target, shift);
                    float[] array = new float[count + 2];
                    format.decode(source, shift, count, array, 1);
                    for (int i = 0; i < count; i++) {
                        float expected = format.get(source, shift + (long) i * format.bytes());
                        assertEquals(expected, target.get(ValueLayout.JAVA_FLOAT_UNALIGNED, shift + 4L * i));
                        assertEquals(expected, array[1 + i]);
                    }
                    for (long i = 0; i < target.byteSize(); i++) {
                        if (i < shift || i >= shift + 4L * count) {
                            assertEquals(0x5A, target.get(ValueLayout.JAVA_BYTE, i));
                        }
                    }
                    assertEquals(0, array[0]);
                    assertEquals(0, array[count + 1]);
                }
            }
        }
    }

    @Test
    void doublesBecomeTheNearestFloat() {
        MemorySegment stored = MemorySegment.ofArray(new byte[8]);
        stored.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, 0, 0.1);
        assertEquals(0.1f, NumberFormat.FP64.get(stored, 0));
        NumberFormat.FP64.put(stored, 0, 0.1f);
        assertEquals(0.1f, stored.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, 0));
    }

    @Test
    void bytesAreLittleEndian() {
        MemorySegment stored = MemorySegment.ofArray(new byte[] {(byte) 0x80, 0x3F, 0, 0});
        assertEquals(1f, NumberFormat.BF16.get(stored, 0));
    }

    @Test
    void rangesAreChecked() {
        MemorySegment small = MemorySegment.ofArray(new byte[8]);
        MemorySegment large = MemorySegment.ofArray(new byte[64]);
        for (NumberFormat format : NumberFormat.values()) {
            long fits = 8 / format.bytes();
            assertThrows(IndexOutOfBoundsException.class, () -> format.decode(small, 0, fits + 1, large, 0));
            assertThrows(IndexOutOfBoundsException.class, () -> format.decode(small, -1, 1, large, 0));
            assertThrows(IndexOutOfBoundsException.class, () -> format.decode(large, 0, 3L, small, 0));
            assertThrows(IndexOutOfBoundsException.class, () -> format.decode(large, 0, -1L, large, 0));
            assertThrows(IndexOutOfBoundsException.class, () -> format.decode(large, 0, Long.MAX_VALUE, large, 0));
            assertThrows(IndexOutOfBoundsException.class, () -> format.decode(large, 0, 2, new float[1], 0));
        }
    }
}
