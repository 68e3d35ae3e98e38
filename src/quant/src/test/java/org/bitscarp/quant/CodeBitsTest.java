package org.bitscarp.quant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CodeBitsTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
    void codesAreOneLongLittleEndianNumber(int bits) {
        SplittableRandom random = new SplittableRandom(bits);
        for (int length = 0; length <= 70; length++) {
            int[] codes = new int[length];
            BigInteger number = BigInteger.ZERO;
            float[] expected = new float[length];
            for (int i = 0; i < length; i++) {
                codes[i] = random.nextInt(1 << bits);
                number = number.or(BigInteger.valueOf(codes[i]).shiftLeft(i * bits));
                expected[i] = 0.375f * (codes[i] - 3);
            }
            int bytes = CodeBits.bytes(bits, length);
            MemorySegment fast = Arena.ofAuto().allocate(bytes + 1);
            MemorySegment slow = Arena.ofAuto().allocate(bytes + 1);
            CodeBits.pack(bits, codes, length, fast, 1);
            CodeBits.packTail(bits, codes, 0, length, slow, 1);
            assertArrayEquals(slow.toArray(ValueLayout.JAVA_BYTE), fast.toArray(ValueLayout.JAVA_BYTE));
            for (int i = 0; i < bytes; i++) {
                assertEquals(number.shiftRight(8 * i).byteValue(), fast.get(ValueLayout.JAVA_BYTE, 1 + i));
            }
            float[] w = new float[length];
            CodeBits.unpack(bits, fast, 1, length, 0.375f, 3, w, 0);
            assertArrayEquals(expected, w);
            float[] v = new float[length];
            CodeBits.unpackTail(bits, fast, 1, 0, length, 0.375f, 3, v, 0);
            assertArrayEquals(expected, v);
        }
    }
}
