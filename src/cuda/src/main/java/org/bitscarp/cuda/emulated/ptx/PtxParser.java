package org.bitscarp.cuda.emulated.ptx;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads a file of PTX into its kernels. What it does not know, it refuses by line. */
public final class PtxParser {
    private static final Pattern LIMIT =
            Pattern.compile("\\.maxntid\\s+(\\d+)(?:\\s*,\\s*(\\d+))?(?:\\s*,\\s*(\\d+))?");

    private final Source source;
    private final List<Variable> variables = new ArrayList<>();
    private final Map<String, Kernel> kernels = new LinkedHashMap<>();
    private int target;

    private PtxParser(String text) {
        this.source = new Source(text);
    }

    /** @throws PtxException naming the line */
    public static Module parse(String text) {
        PtxParser parser = new PtxParser(text);
        while (!parser.source.ended()) {
            parser.topLevel();
        }
        return new Module(parser.target, parser.variables, parser.kernels);
    }

    private void topLevel() {
        int line = source.line();
        char c = source.peek();
        if (c != '.') {
            throw new PtxException(line, "a directive is expected, found '" + c + "'");
        }
        String head = source.word();
        while (head.equals(".visible") || head.equals(".extern") || head.equals(".weak") || head.equals(".common")) {
            head = source.word();
        }
        switch (head) {
            case ".version", ".address_size", ".file", ".loc" -> source.skipLine();
            case ".target" -> {
                String name = source.word();
                target = Integer.parseInt(name.replaceAll("\\D", ""));
                source.skipLine();
            }
            case ".entry" -> entry();
            case ".global", ".const", ".shared" -> variables.add(declaration(head, line));
            default -> throw new PtxException(line, head + " is not supported by the emulated device");
        }
    }

    private Variable declaration(String head, int line) {
        String text = head + " " + source.until(";");
        source.expect(';');
        return Declaration.read(text, line);
    }

    private void entry() {
        String name = source.word();
        if (source.takes('(')) {
            source.until(")");
            source.expect(')');
        }
        Matcher limit = LIMIT.matcher(source.until("{"));
        int maxThreads = 1024;
        if (limit.find()) {
            maxThreads = Integer.parseInt(limit.group(1)) * factor(limit.group(2)) * factor(limit.group(3));
        }
        source.expect('{');
        kernels.put(name, new Body().read(name, maxThreads));
    }

    private static int factor(String number) {
        return number == null ? 1 : Integer.parseInt(number);
    }

    /** One kernel's statements. */
    private final class Body {
        private final List<Variable> declared = new ArrayList<>();
        private final List<Statement> statements = new ArrayList<>();
        private final Map<String, Integer> labels = new LinkedHashMap<>();
        private final Map<String, List<String>> jumpTables = new LinkedHashMap<>();
        private Scope scope = new Scope(null);
        private int registers;

        Kernel read(String name, int maxThreads) {
            int depth = 1;
            while (depth > 0) {
                if (source.ended()) {
                    throw new PtxException(source.line(), "kernel " + name + " does not end");
                }
                if (source.takes('{')) {
                    depth++;
                    scope = new Scope(scope);
                } else if (source.takes('}')) {
                    depth--;
                    scope = scope.outer() == null ? scope : scope.outer();
                } else if (!source.takes(';')) {
                    statement();
                }
            }
            return new Kernel(name, maxThreads, registers, declared, statements, labels, jumpTables);
        }

        private void statement() {
            int line = source.line();
            String guard = "";
            boolean negated = false;
            if (source.takes('@')) {
                negated = source.takes('!');
                guard = source.word();
            }
            String opcode = source.word();
            if (opcode.isEmpty()) {
                throw new PtxException(line, "an instruction is expected, found '" + source.peek() + "'");
            }
            if (guard.isEmpty() && source.takes(':')) {
                label(opcode);
                return;
            }
            switch (opcode) {
                case ".loc", ".pragma", ".file" -> source.skipLine();
                case ".reg" -> declareRegisters(line);
                case ".shared", ".local" -> declared.add(declaration(opcode, line));
                default -> {
                    String operands = source.until(";");
                    source.expect(';');
                    statements.add(new Statement(line, guard, negated, opcode, Operands.split(operands, line), scope));
                }
            }
        }

        private void label(String name) {
            if (source.peek() == '.') {
                int line = source.line();
                String directive = source.word();
                if (directive.equals(".pragma")) {
                    source.skipLine();
                    labels.put(name, statements.size());
                    return;
                }
                if (!directive.equals(".branchtargets")) {
                    throw new PtxException(line, directive + " is not supported by the emulated device");
                }
                jumpTables.put(name, Operands.split(source.until(";"), line));
                source.expect(';');
            } else {
                labels.put(name, statements.size());
            }
        }

        private void declareRegisters(int line) {
            String type = source.word().substring(1);
            for (String name : Operands.split(source.until(";"), line)) {
                int range = name.indexOf('<');
                if (range < 0) {
                    scope.declare(name, new Scope.Register(type, registers++));
                } else {
                    int count = Integer.parseInt(name.substring(range + 1, name.length() - 1));
                    for (int i = 0; i < count; i++) {
                        scope.declare(name.substring(0, range) + i, new Scope.Register(type, registers++));
                    }
                }
            }
            source.expect(';');
        }
    }
}
