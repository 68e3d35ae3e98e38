package org.bitscarp.compute.internal;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.math.BigDecimal;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Rounding by vectors, against the definition: the nearer of the two neighbours, and the even one between them. */
class Bf16Test {
    private static short[] round(float... values) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment x = arena.allocateFrom(JAVA_FLOAT, values);
            MemorySegment rounded = arena.allocate(2L * values.length, 2);
            Bf16.round(x, values.length, rounded);
            return rounded.toArray(JAVA_SHORT);
        }
    }

    private static float wide(int half) {
        return Float.intBitsToFloat(half << 16);
    }

    @Test
    void theNearerNeighbourIsTaken() {
        SplittableRandom random = new SplittableRandom(3);
        float[] values = new float[10_007];
        for (int i = 0; i < values.length; i++) {
            // All exponents, subnormal ones too, but those whose upper neighbour is infinite.
            values[i] = Float.intBitsToFloat(random.nextInt() & 0x80ffffff | random.nextInt(0xfe) << 23);
            if (i % 3 == 0) {
                values[i] = Float.intBitsToFloat(Float.floatToRawIntBits(values[i]) & 0xffff0000 | 0x8000);
            }
        }
        short[] rounded = round(values);
        for (int i = 0; i < values.length; i++) {
            int below = Float.floatToRawIntBits(values[i]) >>> 16;
            BigDecimal toBelow = distance(values[i], wide(below));
            BigDecimal toAbove = distance(values[i], wide(below + 1));
            int order = toBelow.compareTo(toAbove);
            int expected = order < 0 || order == 0 && (below & 1) == 0 ? below : below + 1;
            assertEquals((short) expected, rounded[i], "of " + values[i]);
        }
    }

    private static BigDecimal distance(float a, float b) {
        return new BigDecimal(a).subtract(new BigDecimal(b)).abs();
    }

    @Test
    void specialNumbersKeepTheirKind() {
        float[] special = {
            0f,
            -0f,
            Float.POSITIVE_INFINITY,
            Float.NEGATIVE_INFINITY,
            Float.MAX_VALUE,
            Float.NaN,
            Float.intBitsToFloat(0x7fffffff),
            Float.intBitsToFloat(0xff800001)
        };
        float[] many = new float[8 * special.length + 3];
        for (int i = 0; i < many.length; i++) {
            many[i] = special[i % special.length];
        }
        short[] rounded = round(many);
        for (int i = 0; i < many.length; i++) {
            float found = wide(rounded[i]);
            if (Float.isNaN(many[i])) {
                assertTrue(Float.isNaN(found), "NaN became " + found);
            } else {
                float expected = many[i] == Float.MAX_VALUE ? Float.POSITIVE_INFINITY : many[i];
                assertEquals(Float.floatToRawIntBits(expected), Float.floatToRawIntBits(found));
            }
        }
    }
}
