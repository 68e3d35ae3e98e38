package org.bitscarp.compute;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Norms, activations, rotations, attention and moved rows against the specification. */
public abstract class LayerContract extends BackendHarness {
    private static final int[] SIZES = {1, 3, 7, 8, 15, 16, 17, 31, 33, 63, 129, 1025, 4097};

    @ParameterizedTest
    @EnumSource
    void activationFarOutAndAtNothing(Activation f) {
        float[] edges = {
            0,
            -0f,
            1e-30f,
            -1e-30f,
            1e-45f,
            1e-7f,
            -1e-7f,
            20,
            -20,
            80,
            -80,
            100,
            -100,
            1e4f,
            -1e4f,
            1e18f,
            -1e18f,
            Float.POSITIVE_INFINITY,
            Float.NaN,
            0.5f
        };
        Pair x = pair(1, edges.length);
        Pair gate = pair(1, edges.length);
        Pair up = pair(1, edges.length);
        x.setAll(edges);
        gate.setAll(edges);
        float[] ones = new float[edges.length];
        Arrays.fill(ones, 1);
        up.setAll(ones);
        backend.activate(f, x.device);
        specification.activate(f, x.host);
        backend.activateMultiply(f, gate.device, up.device);
        specification.activateMultiply(f, gate.host, up.host);
        float[] expected = floats(specification, x.host);
        for (Pair found : new Pair[] {x, gate}) {
            float[] values = floats(backend, found.device);
            for (int i = 0; i < edges.length; i++) {
                if (Float.isFinite(expected[i])) {
                    assertEquals(expected[i], values[i], 1e-6 + 1e-5 * Math.abs(expected[i]), f + "(" + edges[i] + ")");
                } else {
                    assertEquals(expected[i], values[i], f + "(" + edges[i] + ")");
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(floats = {0.1f, 1, 30, 50})
    void softCap(float cap) {
        for (int columns : SIZES) {
            Pair x = pair(2, columns, 100);
            x.set(0, 1e-6f);
            backend.softCap(x.device, cap);
            specification.softCap(x.host, cap);
            // Also for values far below the cap, where tanh(x) is nearly x.
            x.check("soft cap of " + columns, 0, 4 * ELEMENTARY);
        }
    }

    @Test
    void softCapOfTinyAndInfiniteValues() {
        Pair x = pair(1, 6);
        x.setAll(1e-20f, -1e-20f, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.NaN, 1e30f);
        backend.softCap(x.device, 30);
        specification.softCap(x.host, 30);
        x.check("soft cap", 0, 4 * ELEMENTARY);
    }

    @ParameterizedTest
    @CsvSource({"1,0", "2,0", "7,0", "16,0", "31,5", "33,-1000", "129,1000", "1025,0", "4097,100"})
    void layerNorm(int columns, float offset) {
        Pair x = pair(5, columns);
        float[] moved = floats(backend, x.device);
        for (int i = 0; i < moved.length; i++) {
            moved[i] += offset;
        }
        x.setAll(moved);
        Pair gain = pair(1, columns);
        Pair bias = pair(1, columns);
        Pair y = pair(5, columns);
        backend.layerNorm(x.device, gain.device, bias.device, 1e-5f, y.device);
        specification.layerNorm(x.host, gain.host, bias.host, 1e-5f, y.host);
        // The greatest normed value is below √columns; an offset costs nothing.
        double tolerance = 8 * ELEMENTARY * (1 + Math.sqrt(columns));
        y.check("layer norm", tolerance);
        backend.layerNorm(x.device, gain.device, bias.device, 1e-5f, x.device);
        specification.layerNorm(x.host, gain.host, bias.host, 1e-5f, x.host);
        x.check("layer norm in place", tolerance);
    }

    @Test
    void layerNormOfAConstantRowIsTheBias() {
        Pair x = pair(1, 37);
        float[] same = new float[37];
        Arrays.fill(same, 3.1f);
        x.setAll(same);
        Pair gain = pair(1, 37);
        Pair bias = pair(1, 37);
        backend.layerNorm(x.device, gain.device, bias.device, 1e-5f, x.device);
        specification.layerNorm(x.host, gain.host, bias.host, 1e-5f, x.host);
        x.check("layer norm", 1e-4);
    }

    @Test
    void aNotANumberStaysInItsRow() {
        Pair x = pair(3, 40);
        x.set(57, Float.NaN);
        Pair gain = pair(1, 40);
        Pair bias = pair(1, 40);
        Pair y = pair(3, 40);
        backend.layerNorm(x.device, gain.device, bias.device, 1e-5f, y.device);
        specification.layerNorm(x.host, gain.host, bias.host, 1e-5f, y.host);
        y.check("layer norm", 1e-4);
        backend.roundToInt8(x.device);
        specification.roundToInt8(x.host);
        x.check("rounding", 0);
        float[] rounded = floats(backend, x.device);
        assertTrue(Float.isNaN(rounded[40]) && Float.isFinite(rounded[39]), "one row, all of it");
    }

    @Test
    void rounding() {
        for (int columns : SIZES) {
            Pair x = pair(4, columns, 3);
            backend.roundToInt8(x.device);
            specification.roundToInt8(x.host);
            x.check("rounding of " + columns, 0);
        }
    }

    @Test
    void roundingTakesHalvesToEvenAndTinyRowsToNothing() {
        // 127 as the greatest magnitude makes the scale exactly 1.
        float[] halves = new float[40];
        for (int i = 0; i < 40; i++) {
            halves[i] = i - 20 + 0.5f;
        }
        halves[39] = -127;
        Pair x = pair(1, 40);
        x.setAll(halves);
        backend.roundToInt8(x.device);
        float[] found = floats(backend, x.device);
        for (int i = 0; i < 39; i++) {
            assertEquals(0, Math.abs(found[i]) % 2, "half " + halves[i] + " became " + found[i]);
            assertEquals(0.5, Math.abs(found[i] - halves[i]));
        }
        Pair tiny = pair(1, 19);
        float[] values = new float[19];
        Arrays.fill(values, 3e-8f);
        values[3] = 6e-8f;
        tiny.setAll(values);
        backend.roundToInt8(tiny.device);
        specification.roundToInt8(tiny.host);
        tiny.check("tiny", 0);
        assertEquals(0, floats(backend, tiny.device)[0]);
        Pair zero = pair(2, 19);
        backend.clear(zero.device);
        specification.clear(zero.host);
        zero.check("cleared", 0);
        backend.roundToInt8(zero.device);
        zero.check("zeros", 0);
    }

    @ParameterizedTest
    @CsvSource({"1,1,1,4,1", "7,2,1,8,2", "33,4,2,16,1", "129,3,3,7,2", "130,2,1,64,1", "31,8,4,32,3"})
    void attention(int length, int heads, int kvHeads, int headDim, int windows) {
        attention(new AttentionShape(length, heads, kvHeads, headDim), windows);
    }

    /** Spans of one token, within a block, across blocks of 128 rows, exactly the text, longer than it. */
    @ParameterizedTest
    @CsvSource({"5,1", "33,2", "130,7", "300,1", "300,100", "300,128", "300,129", "260,200", "64,64", "64,63", "64,1000"
    })
    void attentionInASlidingWindow(int length, int window) {
        attention(new AttentionShape(length, 4, 2, 16, 0.25f, 0, window), 2);
        attention(new AttentionShape(length, 2, 2, 7, 0.5f, 20, window), 1);
    }

    @ParameterizedTest
    @CsvSource({"1,50", "40,5", "150,0.5"})
    void attentionWithSoftCapAndTemperature(int length, float cap) {
        attention(new AttentionShape(length, 4, 1, 24, 1, cap, 0), 2);
        attention(new AttentionShape(length, 4, 1, 24, 0.01f, cap, 0), 2);
    }

    private void attention(AttentionShape shape, int windows) {
        int rows = windows * shape.length();
        Pair q = pair(rows, shape.heads() * shape.headDim());
        Pair k = pair(rows, shape.kvHeads() * shape.headDim());
        Pair v = pair(rows, shape.kvHeads() * shape.headDim());
        Pair out = pair(rows, shape.heads() * shape.headDim());
        backend.attention(q.device, k.device, v.device, shape, out.device);
        specification.attention(q.host, k.host, v.host, shape, out.host);
        // Scores up to about 4·headDim·scale carry headDim roundings each into the exponent; the mix adds `length`
        // more.
        int d = shape.headDim();
        out.check(shape.toString(), (d + shape.length() + 16) * UNIT * 8 * Math.max(1, d * shape.scale()));
    }

    /** What a token does not see may be anything, NaN included. */
    @Test
    void attentionSeesNothingOutsideItsWindow() {
        AttentionShape shape = new AttentionShape(300, 1, 1, 8, 0.3f, 0, 20);
        Pair q = pair(300, 8);
        Pair k = pair(300, 8);
        Pair v = pair(300, 8);
        Pair out = pair(300, 8);
        backend.attention(q.device, k.device, v.device, shape, out.device);
        float[] before = floats(backend, out.device);
        for (int i = 0; i < 8; i++) {
            k.set(10 * 8 + i, 77);
            v.set(10 * 8 + i, -77);
        }
        backend.attention(q.device, k.device, v.device, shape, out.device);
        float[] after = floats(backend, out.device);
        for (int row = 0; row < 300; row++) {
            boolean sees = row >= 10 && row < 30;
            boolean same = Arrays.equals(before, row * 8, row * 8 + 8, after, row * 8, row * 8 + 8);
            assertEquals(!sees, same, "row " + row);
        }
    }

    @Test
    void attentionRefusesHeadsThatDoNotDivide() {
        assertThrows(IllegalArgumentException.class, () -> new AttentionShape(4, 3, 2, 8));
        assertThrows(IllegalArgumentException.class, () -> new AttentionShape(4, 2, 2, 8, 1, 0, -1));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 16, 33, 129})
    void gatheredRows(int columns) {
        Pair from = pair(5, columns);
        Pair to = pair(7, columns);
        int[] rows = {4, 0, 0, 3, 4, 1, 4};
        backend.gatherRows(from.device, rows, to.device);
        specification.gatherRows(from.host, rows, to.host);
        to.check("gather", 0);
        assertThrows(IllegalArgumentException.class, () -> backend.gatherRows(from.device, new int[6], to.device));
        assertThrows(
                IndexOutOfBoundsException.class,
                () -> backend.gatherRows(from.device, new int[] {0, 0, 0, 0, 0, 0, 5}, to.device));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 16, 33, 129})
    void addedRows(int columns) {
        Pair x = pair(4, columns);
        Pair y = pair(6, columns);
        int[] rows = {2, 0, 2, 2, 3, 0};
        float[] weights = {0.5f, -1, 0.25f, 0, 3, 1e-3f};
        backend.addScaledRows(x.device, rows, weights, y.device);
        specification.addScaledRows(x.host, rows, weights, y.host);
        // Up to three products are added to a row in turn, fused or not.
        x.check("added rows", 16 * UNIT);
        assertThrows(
                IndexOutOfBoundsException.class,
                () -> backend.addScaledRows(x.device, new int[] {0, 0, 0, 0, 0, -1}, weights, y.device));
    }
}
