package org.bitscarp.cuda.emulated;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.cuda.emulated.ptx.Kernel;
import org.bitscarp.cuda.emulated.ptx.Literal;
import org.bitscarp.cuda.emulated.ptx.PtxException;
import org.bitscarp.cuda.emulated.ptx.Scope;
import org.bitscarp.cuda.emulated.ptx.Statement;
import org.bitscarp.cuda.emulated.ptx.Variable;

/** Turns a kernel's statements into a {@link Program}: names become rows, opcodes become {@link Instruction}s. */
final class Decoder {
    private final Kernel kernel;
    /** Addresses in the space of each name. */
    private final Map<String, Long> symbols;
    /** Offsets of the kernel's parameters. */
    private final Map<String, Integer> parameters;

    private final Map<Integer, Integer> rows = new HashMap<>();
    private final Map<String, Integer> constantRows = new HashMap<>();
    private final List<Program.Constant> constants = new ArrayList<>();
    private final List<Program.Special> specials = new ArrayList<>();
    private final List<String> dynamicShared = new ArrayList<>();
    private int words;
    private int quads;
    private int predicates;
    private int shared;
    private int local;
    private int granule = 4;
    private int slots;
    private boolean inOrder;

    private Decoder(Kernel kernel, Map<String, Long> moduleSymbols, Map<String, Integer> parameters) {
        this.kernel = kernel;
        this.symbols = new HashMap<>(moduleSymbols);
        this.parameters = parameters;
    }

    /**
     * @param moduleShared shared memory that is declared outside of kernels
     * @throws PtxException naming the line of what is not known
     */
    static Program decode(
            Kernel kernel, Map<String, Long> symbols, List<Variable> moduleShared, Map<String, Integer> parameters) {
        Decoder decoder = new Decoder(kernel, symbols, parameters);
        decoder.place(moduleShared);
        decoder.place(kernel.variables());
        return decoder.program();
    }

    /** Dynamic shared memory, of which all names are one, comes behind all static. */
    private void place(List<Variable> variables) {
        for (Variable v : variables) {
            if (v.space().equals("shared") && v.bytes() > 0) {
                shared = align(shared, v.align());
                symbols.put(v.name(), (long) shared);
                shared += v.bytes();
            } else if (v.space().equals("shared")) {
                dynamicShared.add(v.name());
            } else if (v.space().equals("local")) {
                local = align(local, v.align());
                symbols.put(v.name(), (long) local);
                local += v.bytes();
            }
        }
    }

    private static int align(int at, int to) {
        return (at + to - 1) / to * to;
    }

    private Program program() {
        int staticShared = align(shared, 16);
        local = align(local, 16);
        dynamicShared.forEach(name -> symbols.put(name, (long) staticShared));
        Instruction[] code = new Instruction[kernel.statements().size() + 1];
        for (int i = 0; i < code.length - 1; i++) {
            Statement s = kernel.statements().get(i);
            code[i] = decode(s);
            if (!s.guard().isEmpty()) {
                code[i].guard = row(s.guard(), 'p', s);
                code[i].guardNegated = s.negated();
            }
        }
        int end = code.length - 1;
        Scope nothing = end == 0 ? null : kernel.statements().getLast().scope();
        code[end] = new ControlOps.Exit(new Statement(0, "", false, "ret", List.of(), nothing));
        return new Program(
                code, words, quads, predicates, staticShared, granule, local, slots, inOrder, constants, specials);
    }

    private Instruction decode(Statement s) {
        Instruction found = ControlOps.decode(this, s);
        if (found == null) {
            found = MemoryOps.decode(this, s);
        }
        if (found == null) {
            found = AtomicOps.decode(this, s);
        }
        if (found == null) {
            found = AsyncOps.decode(this, s);
        }
        if (found == null) {
            found = WarpOps.decode(this, s);
        }
        if (found == null) {
            found = MatrixOps.decode(this, s);
        }
        if (found == null) {
            found = MoveOps.decode(this, s);
        }
        if (found == null) {
            found = CompareOps.decode(this, s);
        }
        if (found == null) {
            found = LogicOps.decode(this, s);
        }
        return found == null ? arithmetic(s) : found;
    }

    private Instruction arithmetic(Statement s) {
        Form form = Forms.find(s.opcode());
        if (form == null) {
            throw new PtxException(s.line(), s.opcode() + " is not known to the emulated device");
        }
        if (s.operands().size() != form.sources().length() + 1) {
            throw new PtxException(
                    s.line(), s.opcode() + " takes " + (form.sources().length() + 1) + " operands");
        }
        if (s.opcode().startsWith("cvt.")
                && form.sources().equals("w")
                && wide(s.operands().get(1), s)) {
            form = ConvertOps.narrowed(form);
        }
        int[] sources = new int[3];
        for (int i = 0; i < form.sources().length(); i++) {
            sources[i] = row(s.operands().get(i + 1), form.sources().charAt(i), s);
        }
        int d = row(s.operands().getFirst(), form.target(), s);
        return new Arithmetic(s, form.target(), form.op(), d, sources[0], sources[1], sources[2]);
    }

    /** Whether an operand is a register of 64 bits. */
    private static boolean wide(String operand, Statement s) {
        Scope.Register register = s.scope().find(operand);
        return register != null && file(register.type()) == 'q';
    }

    /** Place of an operand in register file {@code w}, {@code h}, {@code q} or {@code p}. */
    int row(String operand, char file, Statement s) {
        Scope.Register register = s.scope().find(operand);
        if (register != null) {
            char own = file(register.type());
            if (own != (file == 'h' ? 'w' : file)) {
                throw new PtxException(
                        s.line(), operand + " is ." + register.type() + ", not what " + s.opcode() + " takes");
            }
            return rows.computeIfAbsent(register.number(), n -> newRow(own));
        }
        if (SpecialRegisters.known(operand)) {
            return constantRows.computeIfAbsent(file + operand, n -> {
                int row = newRow(file);
                specials.add(new Program.Special(file == 'q', row, operand));
                return row;
            });
        }
        long bits = value(operand, s);
        return constant(file == 'h' ? bits & 0xffff : bits, file);
    }

    /** A row that holds {@code bits} in every lane. */
    int constant(long bits, char file) {
        char own = file == 'h' ? 'w' : file;
        return constantRows.computeIfAbsent(own + "#" + bits, n -> {
            int row = newRow(own);
            constants.add(new Program.Constant(own, row, bits));
            return row;
        });
    }

    private int newRow(char file) {
        return switch (file) {
            case 'p' -> predicates++;
            case 'q' -> quads++ * Warp.LANES;
            default -> words++ * Warp.LANES;
        };
    }

    static char file(String type) {
        return switch (type) {
            case "pred" -> 'p';
            case "b64", "u64", "s64", "f64" -> 'q';
            default -> 'w';
        };
    }

    /** A number, or the address of a name with an offset. */
    long value(String operand, Statement s) {
        if (Literal.is(operand)) {
            return Literal.bits(operand, s.line());
        }
        int plus = Address.sign(operand);
        String name = plus < 0 ? operand : operand.substring(0, plus);
        Long address = symbols.get(name);
        if (address == null) {
            throw new PtxException(s.line(), "unknown name " + name);
        }
        String offset = plus < 0 ? "0" : operand.substring(operand.charAt(plus) == '+' ? plus + 1 : plus);
        return address + Literal.bits(offset, s.line());
    }

    Integer parameter(String name) {
        return parameters.get(name);
    }

    int label(String name, Statement s) {
        Integer at = kernel.labels().get(name);
        if (at == null) {
            throw new PtxException(s.line(), "unknown label " + name);
        }
        return at;
    }

    List<String> jumpTable(String name, Statement s) {
        List<String> table = kernel.jumpTables().get(name);
        if (table == null) {
            throw new PtxException(s.line(), "unknown list of branch targets " + name);
        }
        return table;
    }

    int newSlot() {
        return slots++;
    }

    /** Shared memory is accessed in pieces of this size. */
    void sharedAccess(int bytes) {
        granule = Math.min(granule, bytes);
    }

    /** Blocks have to run in order. */
    void updatesGlobalMemory() {
        inOrder = true;
    }

    int localBytes() {
        return local;
    }
}
