package org.bitscarp.eval.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProtocolTest {
    @Test
    void gptqScoresAllButTheFirstOfEachWindow() {
        List<Window> windows = Protocol.of(Protocol.Kind.GPTQ, 512, 0).windows(1100, false);
        assertEquals(List.of(new Window(0, 512, false, 0, 511), new Window(512, 512, false, 0, 511)), windows);
    }

    @Test
    void llamaCppScoresTheSecondHalfUnderItsOwnBos() {
        List<Window> windows = Protocol.of(Protocol.Kind.LLAMA_CPP, 512, 0).windows(1024, true);
        assertEquals(255, windows.getFirst().scored());
        assertEquals(new Window(512, 512, true, 256, 511), windows.get(1));
    }

    @ParameterizedTest
    @CsvSource({"1000,512,256", "1000,512,512", "1024,512,100", "600,512,511", "2,4,2", "100,512,256", "513,512,1"})
    void slidingScoresEachTokenButTheFirstExactlyOnce(int tokens, int context, int stride) {
        int[] scored = new int[tokens];
        for (Window w : Protocol.of(Protocol.Kind.SLIDING, context, stride).windows(tokens, true)) {
            assertTrue(w.length() <= context && w.start() + w.length() <= tokens);
            for (int i = w.scoreFrom(); i < w.scoreTo(); i++) {
                scored[w.start() + i + 1]++;
            }
        }
        assertEquals(0, scored[0]);
        if (stride < context) {
            assertTrue(IntStream.range(1, tokens).allMatch(t -> scored[t] == 1));
        } else {
            // Without overlap the first token of a window has no context in it.
            assertTrue(IntStream.range(1, tokens).allMatch(t -> scored[t] == (t % context == 0 ? 0 : 1)));
        }
    }

    @Test
    void impossibleSettingsAreExplained() {
        assertTrue(assertThrows(IllegalArgumentException.class, () -> Protocol.Kind.parse("papers"))
                .getMessage()
                .contains("gptq, llama.cpp, sliding"));
        assertThrows(IllegalArgumentException.class, () -> Protocol.of(Protocol.Kind.GPTQ, 3, 0));
        assertThrows(IllegalArgumentException.class, () -> Protocol.of(Protocol.Kind.SLIDING, 512, 513));
        assertThrows(IllegalArgumentException.class, () -> Protocol.of(Protocol.Kind.SLIDING, 512, -1));
    }
}
