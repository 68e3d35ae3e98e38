package org.bitscarp.cuda.driver;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Name and parameters of a kernel, read from its PTX. */
public record EntrySignature(String name, List<KernelParameter> parameters) {
    private static final Pattern ENTRY = Pattern.compile("\\.entry\\s+([A-Za-z_$%][\\w$]*)\\s*(?:\\(([^)]*)\\))?");
    private static final Pattern PARAMETER = Pattern.compile(
            "\\.param(?:\\s+\\.align\\s+(\\d+))?\\s+\\.(\\w+)(\\s+\\.ptr(?:\\s+\\.\\w+)*?(?:\\s+\\.align\\s+\\d+)?)?\\s+([\\w$%]+)(?:\\[(\\d+)])?");

    public EntrySignature {
        parameters = List.copyOf(parameters);
    }

    /** Bytes of all parameters. */
    public int bytes() {
        return parameters.isEmpty()
                ? 0
                : parameters.getLast().offset() + parameters.getLast().bytes();
    }

    /** All kernels of a module, by name. */
    public static Map<String, EntrySignature> readAll(String ptx) {
        Map<String, EntrySignature> entries = new LinkedHashMap<>();
        Matcher entry = ENTRY.matcher(ptx);
        while (entry.find()) {
            String list = entry.group(2) == null ? "" : entry.group(2).strip();
            entries.put(entry.group(1), new EntrySignature(entry.group(1), parameters(entry.group(1), list)));
        }
        return entries;
    }

    private static List<KernelParameter> parameters(String entry, String list) {
        List<KernelParameter> parameters = new ArrayList<>();
        int offset = 0;
        for (String declaration : list.isEmpty() ? new String[0] : list.split(",")) {
            Matcher m = PARAMETER.matcher(declaration.strip());
            if (!m.matches()) {
                throw new IllegalArgumentException(
                        "parameter of kernel " + entry + " is not understood: " + declaration.strip());
            }
            int element = sizeOf(m.group(2));
            int align = m.group(1) == null ? element : Integer.parseInt(m.group(1));
            int bytes = m.group(5) == null ? element : element * Integer.parseInt(m.group(5));
            offset = (offset + align - 1) / align * align;
            parameters.add(new KernelParameter(m.group(4), m.group(2), m.group(3) != null, offset, bytes));
            offset += bytes;
        }
        return parameters;
    }

    /** Bytes of a PTX type such as {@code f32}. */
    public static int sizeOf(String type) {
        return switch (type) {
            case "b8", "u8", "s8" -> 1;
            case "b16", "u16", "s16", "f16", "bf16" -> 2;
            case "b32", "u32", "s32", "f32", "f16x2", "bf16x2" -> 4;
            case "b64", "u64", "s64", "f64" -> 8;
            default -> throw new IllegalArgumentException("no PTX type with a known size: " + type);
        };
    }
}
