package org.bitscarp.quant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class MiniFloatTest {
    /** Exponent bits, mantissa bits, first code that is not finite: the definitions again, written another way. */
    private record Shape(int exponentBits, int mantissaBits, int firstSpecial, BigDecimal[] values) {
        Shape(int exponentBits, int mantissaBits, int firstSpecial) {
            this(exponentBits, mantissaBits, firstSpecial, new BigDecimal[firstSpecial + 1]);
            for (int code = 0; code <= firstSpecial; code++) {
                values[code] = exact(code);
            }
        }

        static Shape of(MiniFloat format) {
            return switch (format) {
                case FP16 -> new Shape(5, 10, 0x7C00);
                case BF16 -> new Shape(8, 7, 0x7F80);
                case E4M3 -> new Shape(4, 3, 0x7F);
                case E5M2 -> new Shape(5, 2, 0x7C);
            };
        }

        /** The exact value of a non-negative code; also of the one after the last finite code, as if it were finite. */
        BigDecimal value(int code) {
            return values[code];
        }

        private BigDecimal exact(int code) {
            int exponent = code >> mantissaBits;
            int mantissa = code & ((1 << mantissaBits) - 1);
            int bias = (1 << (exponentBits - 1)) - 1;
            if (exponent == 0) {
                return power(1 - bias - mantissaBits).multiply(BigDecimal.valueOf(mantissa));
            }
            return power(exponent - bias - mantissaBits).multiply(BigDecimal.valueOf(mantissa + (1L << mantissaBits)));
        }

        private static BigDecimal power(int exponent) {
            return exponent >= 0 ? BigDecimal.TWO.pow(exponent) : BigDecimal.ONE.divide(BigDecimal.TWO.pow(-exponent));
        }

        /** The nearest non-negative code by exact distances, ties to even; the first special code from its tie on. */
        int nearest(double magnitude) {
            BigDecimal x = new BigDecimal(magnitude);
            int low = 0;
            int high = firstSpecial;
            while (high - low > 1) {
                int middle = (low + high) / 2;
                if (value(middle).compareTo(x) <= 0) {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            int toLow = x.subtract(value(low)).compareTo(value(high).subtract(x));
            return toLow < 0 || (toLow == 0 && low % 2 == 0) ? low : high;
        }
    }

    private static void assertNearest(MiniFloat format, Shape shape, double x) {
        int expected = shape.nearest(Math.abs(x)) | (x < 0 ? format.signBit() : 0);
        int found = format.encode(x);
        if (expected != found) {
            assertEquals(Integer.toHexString(expected), Integer.toHexString(found), format + " of " + x);
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyCodeIsDecodedExactlyAndEncodedBack(MiniFloat format) {
        Shape shape = Shape.of(format);
        for (int code = 0; code < shape.firstSpecial; code++) {
            float value = format.decode(code);
            assertEquals(0, shape.value(code).compareTo(new BigDecimal(value)), "code " + code);
            assertEquals(code, format.encode(value));
            int negative = code | format.signBit();
            assertEquals(-value, format.decode(negative));
            assertEquals(negative, format.encode(-(double) value), "the sign of zero counts");
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyMidpointAndItsNeighboursRoundToNearestEven(MiniFloat format) {
        Shape shape = Shape.of(format);
        for (int code = 0; code < shape.firstSpecial; code++) {
            double middle = shape.value(code).add(shape.value(code + 1)).doubleValue() / 2;
            for (double x : new double[] {
                middle,
                Math.nextDown(middle),
                Math.nextUp(middle),
                Math.nextDown((float) middle),
                Math.nextUp((float) middle),
                Math.nextUp((float) shape.value(code).doubleValue())
            }) {
                assertNearest(format, shape, x);
                assertNearest(format, shape, -x);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void arbitraryNumbersRoundToNearestEven(MiniFloat format) {
        Shape shape = Shape.of(format);
        SplittableRandom random = new SplittableRandom(20260801);
        for (int i = 0; i < 20_000; i++) {
            double x = Double.longBitsToDouble(random.nextLong());
            if (Double.isFinite(x)) {
                assertNearest(format, shape, x);
            }
            assertNearest(format, shape, Math.scalb(random.nextDouble() - 0.5, random.nextInt(-30, 20)));
        }
        assertNearest(format, shape, Double.MIN_VALUE);
        assertNearest(format, shape, Double.MAX_VALUE);
    }

    @ParameterizedTest
    @EnumSource
    void specialValues(MiniFloat format) {
        Shape shape = Shape.of(format);
        int codes = 2 * format.signBit();
        for (int code = shape.firstSpecial; code < format.signBit(); code++) {
            float value = format.decode(code);
            boolean infinity = format != MiniFloat.E4M3 && code == shape.firstSpecial;
            assertTrue(infinity ? value == Float.POSITIVE_INFINITY : Float.isNaN(value));
            assertTrue(Float.isNaN(format.decode(format.encode(Double.NaN))));
        }
        assertTrue(format.encode(Double.NaN) < codes);
        int beyond = shape.firstSpecial;
        assertEquals(beyond, format.encode(Double.POSITIVE_INFINITY));
        assertEquals(beyond | format.signBit(), format.encode(Double.NEGATIVE_INFINITY));
        assertEquals(beyond - 1, format.encodeSaturating(Double.POSITIVE_INFINITY));
        assertEquals(beyond - 1 | format.signBit(), format.encodeSaturating(-1e300));
        assertTrue(Float.isNaN(format.decode(format.encodeSaturating(Double.NaN))));
    }

    /** Figures of the OCP 8-bit Floating Point Specification 1.0, table 1, and of IEEE 754. */
    @ParameterizedTest
    @CsvSource({
        "E4M3, 448, 0x1p-9",
        "E5M2, 57344, 0x1p-16",
        "FP16, 65504, 0x1p-24",
        "BF16, 0x1.FEp127, 0x1p-133",
    })
    void rangesAreThePublishedOnes(MiniFloat format, String max, String min) {
        assertEquals(Float.parseFloat(max), format.maxValue());
        assertEquals(Float.parseFloat(min), format.minValue());
    }

    /** As PyTorch on a CPU ({@code c10/util/Float8_e4m3fn.h}): 464 is a tie that goes to 448, all beyond is NaN. */
    @Test
    void e4m3OverflowsToNan() {
        assertEquals(0x7E, MiniFloat.E4M3.encode(464));
        assertEquals(0x7F, MiniFloat.E4M3.encode(465));
        assertEquals(0xFF, MiniFloat.E4M3.encode(-480));
        assertEquals(0x7F, MiniFloat.E4M3.encode(Double.POSITIVE_INFINITY));
        assertEquals(0x7E, MiniFloat.E4M3.encodeSaturating(465));
    }

    @Test
    void doublesAreRoundedOnce() {
        // 1 + 2^-11 is a tie between two FP16 values; a little more must round up, but rounding to float first loses
        // it.
        double x = 1 + 0x1p-11 + 0x1p-40;
        assertEquals(0x3C01, MiniFloat.FP16.encode(x));
        assertNotEquals(MiniFloat.FP16.encode(x), MiniFloat.FP16.encode((float) x));
    }
}
