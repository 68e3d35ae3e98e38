package org.bitscarp.cuda.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

class KernelArgumentsTest {
    private static final String PTX = """
            .visible .entry scale(
            	.param .u64 .ptr .align 1 scale_param_0,
            	.param .u32 scale_param_1,
            	.param .u64 scale_param_2,
            	.param .f32 scale_param_3,
            	.param .align 4 .b8 scale_param_4[12]
            )
            .maxntid 128
            { ret; }
            .visible .entry nothing() { ret; }
            """;

    @Test
    void aSignatureIsReadFromItsPtx() {
        var entries = EntrySignature.readAll(PTX);
        assertEquals(List.of("scale", "nothing"), List.copyOf(entries.keySet()));
        EntrySignature scale = entries.get("scale");
        assertEquals(
                List.of(0, 8, 16, 24, 28),
                scale.parameters().stream().map(KernelParameter::offset).toList());
        assertEquals(40, scale.bytes());
        assertTrue(scale.parameters().get(0).pointer());
        assertEquals(0, entries.get("nothing").bytes());
    }

    @Test
    void argumentsAreLaidOutAsTheKernelReadsThem() {
        EntrySignature signature = EntrySignature.readAll(
                        ".entry k(.param .u32 a, .param .u64 b, .param .f32 c, .param .f64 d)")
                .get("k");
        ByteBuffer bytes = KernelArguments.start()
                .integer(-2)
                .long64(1L << 40)
                .float32(1.5f)
                .float64(0.1)
                .layout(signature);
        assertEquals(-2, bytes.getInt(0));
        assertEquals(1L << 40, bytes.getLong(8));
        assertEquals(1.5f, bytes.getFloat(16));
        assertEquals(0.1, bytes.getDouble(24));
    }

    @Test
    void argumentsThatDoNotFitAreNamed() {
        EntrySignature signature = EntrySignature.readAll(".entry k(.param .u64 .ptr a, .param .f32 b)")
                .get("k");
        String number = message(KernelArguments.start().pointer(0), signature);
        assertEquals("kernel k takes 2 arguments, not 1", number);
        String type = message(KernelArguments.start().pointer(0).integer(1), signature);
        assertEquals("argument 1 of kernel k is an int, its parameter is .f32", type);
        String pointer = message(KernelArguments.start().long64(0).float32(1), signature);
        assertEquals("argument 0 of kernel k is a long, its parameter is .u64 pointer", pointer);
    }

    private static String message(KernelArguments arguments, EntrySignature signature) {
        return assertThrows(IllegalArgumentException.class, () -> arguments.layout(signature))
                .getMessage();
    }
}
