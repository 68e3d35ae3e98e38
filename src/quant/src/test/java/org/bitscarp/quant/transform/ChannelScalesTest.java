package org.bitscarp.quant.transform;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.Solvers;
import org.bitscarp.quant.gptq.Problem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ChannelScalesTest {
    /** Few weights lie within an fp32 rounding of a boundary and go the other way than in float64. */
    private static final double ROUNDED_OTHERWISE = 0.01;

    static Stream<String> numpy() throws IOException {
        try (BufferedReader in = new BufferedReader(new InputStreamReader(
                ChannelScalesTest.class.getResourceAsStream("awq.txt"), StandardCharsets.UTF_8))) {
            List<String> lines = in.lines().toList();
            assertTrue(lines.getFirst().contains("numpy"));
            return lines.stream().filter(line -> !line.startsWith("#"));
        }
    }

    /** Output errors at every exponent, and the exponent that is chosen. */
    @ParameterizedTest
    @MethodSource("numpy")
    void thePublishedSearch(String line) {
        String[] words = line.split(" ");
        Problem problem = Problem.of(Integer.parseInt(words[0]), Integer.parseInt(words[1]), Long.parseLong(words[5]));
        Level level = Level.parse("int" + words[2] + ":g" + words[3] + (words[4].equals("1") ? ":sym" : ""));
        ChannelScales.Reader reader = new ChannelScales.Reader(problem.weights(), level.format(), problem.inputs());
        int best = 0;
        for (int step = 0; step < 20; step++) {
            double expected = Double.parseDouble(words[6 + step]);
            float[] factors = ChannelScales.factors(problem.inputs().meanSquares(), step / 20.0);
            double error = ChannelScales.error(reader, factors, Solvers.RTN);
            assertEquals(expected, error, ROUNDED_OTHERWISE * expected, "step " + step);
            best = expected < Double.parseDouble(words[6 + best]) ? step : best;
        }
        ChannelScales.Choice choice = ChannelScales.search(List.of(reader), null, Solvers.RTN);
        double chosen = Double.parseDouble(words[6 + (int) Math.round(20 * choice.exponent())]);
        assertEquals(Double.parseDouble(words[6 + best]), chosen, ROUNDED_OTHERWISE * chosen);
        assertTrue(choice.exponent() > 0, "channels of different size are worth scaling");
    }

    @Test
    void largestAndSmallestFactorAreInverse() {
        assertArrayEquals(new float[] {0.5f, 1, 2}, ChannelScales.factors(new float[] {1, 16, 256}, 0.5), 1e-6f);
        assertArrayEquals(new float[] {1, 1, 1}, ChannelScales.factors(new float[] {0, 3, 5}, 0));
        float[] dead = ChannelScales.factors(new float[] {0, 1}, 1);
        assertArrayEquals(new float[] {0.01f, 100}, dead, 1e-4f);
    }

    @Test
    void channelsOfGroupedQueriesShareFactors() {
        SharedChannels shared = new SharedChannels(4, 2, 2);
        float[] mean = shared.mean(new float[] {1, 2, 3, 4, 10, 20, 30, 40});
        assertArrayEquals(new float[] {2, 3, 20, 30}, mean);
        assertArrayEquals(new float[] {2, 3, 2, 3, 20, 30, 20, 30}, shared.spread(mean));
        assertArrayEquals(mean, shared.mean(shared.spread(mean)));
    }
}
