package org.bitscarp.cuda.emulated.ptx;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bitscarp.cuda.driver.EntrySignature;

/** Reads declarations of memory, such as {@code .const .align 4 .b8 table[16] = {1, 2}}. */
final class Declaration {
    private static final Pattern FORM = Pattern.compile(
            "\\.(global|const|shared|local)\\b(?:\\s+\\.attribute\\([^)]*\\))?(?:\\s+\\.align\\s+(\\d+))?\\s+\\.(\\w+)\\s+([\\w$%.]+)((?:\\s*\\[\\s*\\d*\\s*])*)(?:\\s*=\\s*(.*))?");

    private Declaration() {}

    static Variable read(String text, int line) {
        Matcher m = FORM.matcher(text.replaceFirst("^(?:\\.(?:visible|extern|weak|common)\\s+)+", ""));
        if (!m.matches()) {
            throw new PtxException(line, "declaration is not understood: " + text);
        }
        int element = EntrySignature.sizeOf(m.group(3));
        int align = m.group(2) == null ? element : Integer.parseInt(m.group(2));
        int count = 1;
        Matcher dimension = Pattern.compile("\\[\\s*(\\d*)\\s*]").matcher(m.group(5));
        while (dimension.find()) {
            count *= dimension.group(1).isEmpty() ? 0 : Integer.parseInt(dimension.group(1));
        }
        byte[] content = m.group(6) == null ? new byte[0] : content(m.group(6), element, line);
        return new Variable(m.group(1), m.group(4), align, count * element, content);
    }

    private static byte[] content(String initializer, int element, int line) {
        String[] values = initializer.replaceAll("[{}]", " ").strip().split("\\s*,\\s*");
        ByteBuffer bytes = ByteBuffer.allocate(values.length * element).order(ByteOrder.LITTLE_ENDIAN);
        for (String value : values) {
            long bits = Literal.bits(value.strip(), line);
            for (int i = 0; i < element; i++) {
                bytes.put((byte) (bits >>> 8 * i));
            }
        }
        return bytes.array();
    }
}
