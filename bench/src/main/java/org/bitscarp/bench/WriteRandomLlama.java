package org.bitscarp.bench;

import java.io.IOException;
import java.nio.file.Path;
import org.bitscarp.model.RandomLlama;
import org.bitscarp.quant.NumberFormat;

/**
 * Writes a {@link RandomLlama} in fp32 with the tokenizer of the built-in model (vocabulary 4096).
 *
 * <pre>java … org.bitscarp.bench.WriteRandomLlama TOKENIZER_FOLDER OUT [hidden layers heads kvHeads ffn]</pre>
 */
public final class WriteRandomLlama {
    private static final int VOCABULARY = 4096;

    private WriteRandomLlama() {}

    public static void main(String[] arguments) throws IOException {
        if (arguments.length != 2 && arguments.length != 7) {
            System.err.println("usage: WriteRandomLlama TOKENIZER_FOLDER OUT [hidden layers heads kvHeads ffn]");
            System.exit(2);
        }
        int[] s = {1024, 12, 16, 8, 2816};
        for (int i = 2; i < arguments.length; i++) {
            s[i - 2] = Integer.parseInt(arguments[i]);
        }
        RandomLlama model = new RandomLlama(s[0], s[1], s[2], s[3], s[4], VOCABULARY, true, NumberFormat.FP32);
        model.write(Path.of(arguments[0]), Path.of(arguments[1]));
        System.out.println(arguments[1] + ": " + model.bytes() / 4 + " parameters");
    }
}
