package org.bitscarp.quant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LevelTest {
    @ParameterizedTest
    @CsvSource({
        "fp32, fp32",
        "F32, fp32",
        "float32, fp32",
        "half, fp16",
        "float16, fp16",
        "f16, fp16",
        "BFloat16, bf16",
        "bf16:rtn, bf16",
        "int4, int4",
        "int4:g128:asym:rtn, int4",
        "INT4:ASYM:G64, int4:g64",
        "int3:search:sym:g128, int3:sym:search",
        "int3:sym:g32:search, int3:g32:sym:search",
        "int8:row, int8:row",
        "nf4:g64, nf4",
        "nf4:g32, nf4:g32",
        "nf4:row:search, nf4:row:search",
        "ternary:g128, ternary",
        "ternary:g64:search, ternary:g64:search",
        "ternary:tensor, ternary:tensor",
        "' ternary:row ', ternary:row",
        "q4_k, q4_k",
        "Q4_K:Search, q4_k:search",
        "iq4_nl:rtn, iq4_nl",
        "tq2_0, tq2_0",
        "MXFP4, mxfp4",
        "int4:awq, int4:awq",
        "int3:gptq:hadamard, int3:hadamard:gptq",
        "q2_k:AWQ:seed7:search:hadamard, q2_k:hadamard:seed7:awq:search",
        "tq2_0:hadamard-online:seed0, tq2_0:hadamard-online",
        "fp32:hadamard, fp32:hadamard"
    })
    void textHasOneCanonicalForm(String text, String canonical) {
        Level level = Level.parse(text);
        assertEquals(canonical, level.toString());
        assertEquals(level, Level.parse(canonical));
        assertEquals(level.hashCode(), Level.parse(canonical).hashCode());
    }

    @Test
    void everyCombinationReadsBack() {
        for (String format : List.of("int2", "int3", "int4", "int5", "int6", "int7", "int8", "nf4", "ternary")) {
            for (String scope : List.of("", ":g1", ":g32", ":g64", ":g128", ":row")) {
                for (String sign : format.startsWith("int") ? List.of("", ":sym", ":asym") : List.of("")) {
                    for (String solver : List.of("", ":rtn", ":search")) {
                        Level level = Level.parse(format + solver + sign + scope);
                        assertEquals(level, Level.parse(level.toString()));
                        assertEquals(solver.equals(":search") ? Solvers.SEARCH : Solvers.RTN, level.solver());
                    }
                }
            }
        }
    }

    /** The whole message: the bad word, what is allowed, the nearest known word. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "int4:g64:asm | \"int4:g64:asm\": unknown word \"asm\": did you mean \"asym\"?; "
                        + "int4 takes g<N>, row, asym, sym, rtn, search, gptq, gptaq, gptq-sequential, gptq-published, gptq-actorder, awq, hadamard, hadamard-online",
                "itn4 | \"itn4\": unknown format \"itn4\": did you mean \"int4\"?; known formats: fp32, fp16, bf16, "
                        + "int2, int3, int4, int5, int6, int7, int8, nf4, ternary, q8_0, q5_1, q5_0, q4_1, q4_0, q2_0, "
                        + "q1_0, q6_k, q5_k, q4_k, q3_k, q2_k, iq4_nl, iq4_xs, tq2_0, tq1_0, nvfp4, mxfp4",
                "int9 | \"int9\": integer levels have 2 to 8 bits, int2 to int8",
                "int1 | \"int1\": integer levels have 2 to 8 bits, int2 to int8; the next step down from int2 is ternary",
                "int4:g0 | \"int4:g0\": \"g0\" is no group size; write g1 to g2147483647",
                "int4:g99999999999 | \"int4:g99999999999\": \"g99999999999\" is no group size; write g1 to g2147483647",
                "int4:g64:g32 | \"int4:g64:g32\": \"g64\" and \"g32\" contradict each other; write one",
                "int4:row:g32 | \"int4:row:g32\": \"row\" and \"g32\" contradict each other; write one",
                "int4:sym:asym | \"int4:sym:asym\": \"sym\" and \"asym\" contradict each other; write one",
                "int4:sym:sym | \"int4:sym:sym\": \"sym\" stands there twice; write one",
                "int4:rtn:search | \"int4:rtn:search\": \"rtn\" and \"search\" contradict each other; write one",
                "fp16:search | \"fp16:search\": fp16 has no parameters that \"search\" could choose; write fp16",
                "iq2_xxs | \"iq2_xxs\" can be read from GGUF files but not written, so it is no level; "
                        + "small levels that are: q2_k, q3_k, tq2_0",
                "q4_k:g64 | \"q4_k:g64\": unknown word \"g64\"; q4_k takes rtn, search, gptq, gptaq, gptq-sequential, gptq-published, gptq-actorder, awq, hadamard, hadamard-online",
                "fp16:g64 | \"fp16:g64\": unknown word \"g64\"; fp16 takes rtn, awq, hadamard, hadamard-online",
                "int4:hadamard:hadamard-online | \"int4:hadamard:hadamard-online\": \"hadamard\" and \"hadamard-online\" contradict "
                        + "each other; write one",
                "int4:seed3 | \"int4:seed3\": unknown word \"seed3\"; int4 takes g<N>, row, asym, sym, "
                        + "rtn, search, gptq, gptaq, gptq-sequential, gptq-published, gptq-actorder, awq, hadamard, hadamard-online",
                "bf16:awq | \"bf16:awq\": bf16 keeps channels of any scale alike, so \"awq\" has nothing to choose; "
                        + "leave it out",
            })
    void messagesNameTheWordAndTheRemedy(String text, String message) {
        assertEquals(
                message,
                assertThrows(LevelException.class, () -> Level.parse(text)).getMessage());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ":",
                "int4:",
                "int4::sym",
                "int",
                "int04",
                "int-4",
                "int4 :sym",
                "q8",
                "q4_k_m",
                "q4_k:sym",
                "iq1_s",
                "nf4:sym",
                "ternary:asym",
                "int4:tensor",
                "nf4:tensor",
                "int4:g",
                "int4:g-1",
                "int4:64",
                "fp8",
                "int4:g64,int3"
            })
    void nonsenseIsRefused(String text) {
        String message =
                assertThrows(LevelException.class, () -> Level.parse(text)).getMessage();
        assertTrue(message.contains("\"" + text), message);
    }

    @Test
    void everyTransformReadsBack() {
        for (String format : List.of("int3:g64:sym", "q2_k", "nf4", "ternary:tensor")) {
            for (String rotation : List.of("", ":hadamard", ":hadamard-online", ":hadamard:seed12")) {
                for (String scales : List.of("", ":awq")) {
                    for (Solver solver : Solvers.ALL) {
                        Level level = Level.parse(format + ":" + solver.name() + scales + rotation);
                        assertEquals(level, Level.parse(level.toString()));
                        assertEquals(
                                rotation.isEmpty() && scales.isEmpty(),
                                level.transform().identity());
                        assertEquals(!scales.isEmpty() || solver.needsHessian(), level.needsHessian());
                    }
                }
            }
        }
    }

    @Test
    void listsKeepTheirOrder() {
        assertEquals(
                List.of(Level.parse("int4"), Level.parse("bf16"), Level.parse("int4:search")),
                Level.parseList("int4, bf16,INT4:search"));
        assertThrows(LevelException.class, () -> Level.parseList("int4,,int3"));
        assertThrows(LevelException.class, () -> Level.parseList(""));
        String twice = assertThrows(LevelException.class, () -> Level.parseList("int4,int4:g128"))
                .getMessage();
        assertTrue(twice.contains("int4 stands there twice"), twice);
    }

    @Test
    void defaultsRunFromMostToFewestBits() {
        assertEquals(
                "[fp32, fp16, bf16, int8, int4, int3, int2, ternary]",
                Level.defaults().toString());
    }

    @Test
    void onlyPlainNumbersHoldEmbeddings() {
        for (Level level : Level.defaults()) {
            assertEquals(level.format() instanceof FloatFormat, level.quantizesEmbedding(), level.toString());
        }
    }

    @Test
    void levelsThatDifferAreNotEqual() {
        assertNotEquals(Level.parse("int4"), Level.parse("int4:search"));
        assertNotEquals(Level.parse("int4"), Level.parse("int4:g64"));
        assertFalse(Level.parse("nf4").equals(Level.parse("int4")));
        assertThrows(IllegalArgumentException.class, () -> new Level(FloatFormat.FP16, Solvers.SEARCH));
    }

    @ParameterizedTest
    @CsvSource({
        "asm, asym, 1",
        "itn4, int4, 1",
        "'', row, 3",
        "row, row, 0",
        "saerch, search, 1",
        "sreach, search, 2",
        "kitten, sitting, 3"
    })
    void editDistance(String a, String b, int edits) {
        assertEquals(edits, Suggestion.distance(a, b));
        assertEquals(edits, Suggestion.distance(b, a));
    }
}
