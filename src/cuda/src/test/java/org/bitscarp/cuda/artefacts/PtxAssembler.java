package org.bitscarp.cuda.artefacts;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jcuda.nvptxcompiler.JNvPTXCompiler;
import jcuda.nvptxcompiler.nvPTXCompilerHandle;
import org.bitscarp.cuda.jcuda.PrivateExtraction;

/** NVIDIA's PTX assembler (version 12.0) as JCuda brings it: needs neither device, driver nor toolkit. */
final class PtxAssembler {
    private static final int SUCCESS = 0;
    private static final Pattern ENTRY = Pattern.compile("Compiling entry function '([^']+)'");
    private static final Pattern SPILLS = Pattern.compile("(\\d+) bytes spill stores, (\\d+) bytes spill loads");
    private static final Pattern REGISTERS = Pattern.compile("Used (\\d+) registers");

    /**
     * What a kernel needs on one architecture.
     *
     * @param spilled bytes stored and loaded
     */
    record Usage(int registers, int spilled) {}

    static {
        PrivateExtraction.run(() -> JNvPTXCompiler.setExceptionsEnabled(false));
    }

    private PtxAssembler() {}

    /**
     * Assembles a module.
     *
     * @return usage by entry
     * @throws IllegalArgumentException with the assembler's log when it does not assemble
     */
    static Map<String, Usage> assemble(String ptx, String architecture) {
        byte[] text = (ptx + "\0").getBytes(StandardCharsets.UTF_8);
        nvPTXCompilerHandle handle = new nvPTXCompilerHandle();
        check(JNvPTXCompiler.nvPTXCompilerCreate(handle, text.length, text), "create");
        try {
            String[] options = {"--gpu-name=" + architecture, "--verbose"};
            if (JNvPTXCompiler.nvPTXCompilerCompile(handle, options.length, options) != SUCCESS) {
                long[] size = {0};
                JNvPTXCompiler.nvPTXCompilerGetErrorLogSize(handle, size);
                byte[] log = new byte[(int) size[0] + 1];
                JNvPTXCompiler.nvPTXCompilerGetErrorLog(handle, log);
                throw new IllegalArgumentException(text(log));
            }
            long[] size = {0};
            check(JNvPTXCompiler.nvPTXCompilerGetInfoLogSize(handle, size), "info log");
            byte[] log = new byte[(int) size[0] + 1];
            check(JNvPTXCompiler.nvPTXCompilerGetInfoLog(handle, log), "info log");
            return usage(text(log));
        } finally {
            JNvPTXCompiler.nvPTXCompilerDestroy(handle);
        }
    }

    private static Map<String, Usage> usage(String log) {
        Map<String, Usage> usage = new LinkedHashMap<>();
        String entry = null;
        int spilled = 0;
        for (String line : log.split("\n")) {
            Matcher m = ENTRY.matcher(line);
            if (m.find()) {
                entry = m.group(1);
            }
            m = SPILLS.matcher(line);
            if (m.find()) {
                spilled = Integer.parseInt(m.group(1)) + Integer.parseInt(m.group(2));
            }
            m = REGISTERS.matcher(line);
            if (m.find() && entry != null) {
                usage.put(entry, new Usage(Integer.parseInt(m.group(1)), spilled));
            }
        }
        return usage;
    }

    private static String text(byte[] log) {
        return new String(log, StandardCharsets.UTF_8).replace("\0", "").strip();
    }

    private static void check(int status, String what) {
        if (status != SUCCESS) {
            throw new IllegalStateException("PTX assembler: " + what + " failed with status " + status);
        }
    }
}
