package org.bitscarp.eval.protocol;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class WindowPlanTest {
    private static final int BOS = 9999;
    private final int[] text = IntStream.range(100, 5100).toArray();

    private WindowPlan plan(boolean addsBos, Protocol... protocols) {
        return new WindowPlan(text, BOS, addsBos, List.of(protocols));
    }

    @Test
    void protocolsShareTheirForwardPasses() {
        WindowPlan plan =
                plan(false, Protocol.of(Protocol.Kind.GPTQ, 512, 0), Protocol.of(Protocol.Kind.LLAMA_CPP, 512, 0));
        assertEquals(9 * 512, plan.rows());
        assertEquals(9 * 511, plan.scoredRows(0).length);
        assertEquals(9 * 255, plan.scoredRows(1).length);
        assertTrue(Arrays.stream(plan.scoredRows(0))
                .boxed()
                .toList()
                .containsAll(Arrays.stream(plan.scoredRows(1)).boxed().toList()));
    }

    @Test
    void aWindowThatBeginsWithBosIsAnotherForwardPass() {
        WindowPlan plan =
                plan(true, Protocol.of(Protocol.Kind.GPTQ, 512, 0), Protocol.of(Protocol.Kind.LLAMA_CPP, 512, 0));
        assertEquals(2 * 9 * 512, plan.rows());
        long withBos = plan.units().stream()
                .flatMapToInt(u -> Arrays.stream(u.tokens()))
                .filter(t -> t == BOS)
                .count();
        assertEquals(9, withBos);
    }

    @Test
    void everyScoredRowHasTheNextTokenAsItsTarget() {
        WindowPlan plan =
                plan(true, Protocol.of(Protocol.Kind.SLIDING, 300, 130), Protocol.of(Protocol.Kind.LLAMA_CPP, 300, 0));
        int[] targets = new int[plan.rows()];
        int[] tokens = new int[plan.rows()];
        for (WindowPlan.Unit unit : plan.units()) {
            System.arraycopy(unit.targets(), 0, targets, unit.firstRow(), unit.rows());
            System.arraycopy(unit.tokens(), 0, tokens, unit.firstRow(), unit.rows());
            assertEquals(0, unit.rows() % unit.length());
            for (int r = 0; r < unit.rows(); r++) {
                assertEquals(r % unit.length() == unit.length() - 1, unit.targets()[r] == -1);
            }
        }
        for (int protocol = 0; protocol < 2; protocol++) {
            for (int row : plan.scoredRows(protocol)) {
                assertTrue(tokens[row] == BOS || targets[row] == tokens[row] + 1);
            }
        }
        int[] firstTargets =
                Arrays.stream(plan.scoredRows(0)).map(r -> targets[r]).toArray();
        assertArrayEquals(IntStream.range(101, 5100).toArray(), firstTargets, "sliding scores the text in its order");
    }

    @Test
    void scoredRowsOfUnitsAreThoseOfTheProtocols() {
        WindowPlan plan = plan(false, Protocol.of(Protocol.Kind.LLAMA_CPP, 100, 0));
        int[] ofUnits = plan.units().stream()
                .flatMapToInt(u -> Arrays.stream(u.scored()).map(r -> u.firstRow() + r))
                .toArray();
        assertArrayEquals(plan.scoredRows(0), ofUnits);
        assertEquals(49, plan.scoredWindows(0)[plan.scoredRows(0).length - 1]);
    }

    @Test
    void aTextShorterThanAWindowIsExplained() {
        String message = assertThrows(
                        IllegalArgumentException.class, () -> plan(false, Protocol.of(Protocol.Kind.GPTQ, 8192, 0)))
                .getMessage();
        assertTrue(
                message.contains("5000 tokens") && message.contains("8192") && message.contains("--context"), message);
    }
}
