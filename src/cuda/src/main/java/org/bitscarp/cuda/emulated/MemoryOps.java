package org.bitscarp.cuda.emulated;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bitscarp.cuda.driver.EntrySignature;
import org.bitscarp.cuda.emulated.ptx.Operands;
import org.bitscarp.cuda.emulated.ptx.PtxException;
import org.bitscarp.cuda.emulated.ptx.Statement;

/** {@code ld} and {@code st} of every space, alone and in vectors (PTX ISA, section 9.7.8). */
final class MemoryOps {
    private MemoryOps() {}

    static Instruction decode(Decoder d, Statement s) {
        String[] words = s.opcode().split("\\.");
        boolean load = words[0].equals("ld") || words[0].equals("ldu");
        if (!load && !words[0].equals("st")) {
            return null;
        }
        String space = "generic";
        int vector = 1;
        for (String word : Arrays.asList(words).subList(1, words.length - 1)) {
            switch (word) {
                case "global", "shared", "local", "const", "param" -> space = word;
                case "shared::cta" -> space = "shared";
                case "v2" -> vector = 2;
                case "v4" -> vector = 4;
                case "nc",
                        "ca",
                        "cg",
                        "cs",
                        "lu",
                        "cv",
                        "wb",
                        "wt",
                        "volatile",
                        "relaxed",
                        "acquire",
                        "release",
                        "weak",
                        "gpu",
                        "sys",
                        "cta" -> {}
                default -> {
                    if (!word.startsWith("L1::") && !word.startsWith("L2::")) {
                        throw new PtxException(s.line(), s.opcode() + ": ." + word + " is not known");
                    }
                }
            }
        }
        String type = words[words.length - 1];
        int bytes = EntrySignature.sizeOf(type);
        List<String> values = Operands.elements(s.operands().get(load ? 0 : 1), s.line());
        if (values.size() != vector) {
            throw new PtxException(s.line(), s.opcode() + " takes " + vector + " values");
        }
        List<Element> elements = new ArrayList<>();
        for (String value : values) {
            elements.add(element(d, s, value, type, bytes));
        }
        Element[] all = elements.toArray(Element[]::new);
        String address = s.operands().get(load ? 1 : 0);
        if (space.equals("param")) {
            return new Parameter(s, parameterOffset(d, s, address), all);
        }
        if (space.equals("shared") || space.equals("generic")) {
            d.sharedAccess(bytes);
        }
        Place place = new Place(d, space, Address.read(d, address, s), vector * bytes);
        return load ? new Load(s, place, all) : new Store(s, place, all);
    }

    private static Element element(Decoder d, Statement s, String value, String type, int bytes) {
        var register = s.scope().find(value);
        char file = register == null ? Decoder.file(type) : Decoder.file(register.type());
        boolean half = register != null && EntrySignature.sizeOf(register.type()) == 2;
        return new Element(d.row(value, file, s), file == 'q', half, bytes, type.startsWith("s"));
    }

    private static int parameterOffset(Decoder d, Statement s, String address) {
        String text = address.substring(1, address.length() - 1);
        int plus = Address.sign(text);
        Integer offset = d.parameter(plus < 0 ? text : text.substring(0, plus));
        if (offset == null) {
            throw new PtxException(s.line(), "unknown parameter in " + address);
        }
        return offset + (plus < 0 ? 0 : Integer.parseInt(text.substring(plus + 1)));
    }

    /**
     * One value of a vector, and the register that it goes to or comes from.
     *
     * @param quad whether the register has 64 bits
     * @param half whether it has 16
     * @param bytes in memory
     * @param signed whether it is extended with its sign
     */
    record Element(int row, boolean quad, boolean half, int bytes, boolean signed) {
        void put(Warp w, int lane, long bits) {
            long value = switch (bytes) {
                case 1 -> signed ? (byte) bits : bits & 0xff;
                case 2 -> signed ? (short) bits : bits & 0xffff;
                case 4 -> signed ? (int) bits : bits & 0xffffffffL;
                default -> bits;
            };
            if (quad) {
                w.q[row + lane] = value;
            } else {
                w.r[row + lane] = half ? (int) value & 0xffff : (int) value;
            }
        }

        boolean isWord() {
            return bytes == 4 && !quad;
        }

        long get(Warp w, int lane) {
            return quad ? w.q[row + lane] : w.r[row + lane];
        }
    }

    private static final class Load extends Instruction {
        private final Place place;
        private final Element[] elements;

        Load(Statement s, Place place, Element[] elements) {
            super(s, Kind.PLAIN);
            this.place = place;
            this.elements = elements;
        }

        @Override
        void execute(Warp w, int active) {
            if (place.isSharedOnly()) {
                loadShared(w, active);
            } else if (place.isGlobalOnly()) {
                loadGlobal(w, active);
            } else {
                loadAnywhere(w, active);
            }
        }

        private void loadShared(Warp w, int active) {
            byte[] memory = w.block.shared.bytes;
            int[] at = w.saved;
            w.block.shared.noteReads(w, active, this, place.address(), place.bytes(), at);
            for (int e = 0; e < elements.length; e++) {
                Element element = elements[e];
                int offset = e * element.bytes;
                if (element.isWord()) {
                    for (int rest = active; rest != 0; rest &= rest - 1) {
                        int lane = Warp.lane(rest);
                        w.r[element.row + lane] = (int) SharedMemory.INT.get(memory, at[lane] + offset);
                    }
                } else {
                    for (int rest = active; rest != 0; rest &= rest - 1) {
                        int lane = Warp.lane(rest);
                        element.put(w, lane, Place.get(memory, at[lane] + offset, element.bytes));
                    }
                }
            }
        }

        private void loadGlobal(Warp w, int active) {
            long[] at = w.savedQ;
            place.resolveGlobal(w, active, this, at);
            for (int e = 0; e < elements.length; e++) {
                Element element = elements[e];
                int offset = e * element.bytes;
                if (element.isWord()) {
                    for (int rest = active; rest != 0; rest &= rest - 1) {
                        int lane = Warp.lane(rest);
                        w.r[element.row + lane] = DeviceSpace.NATIVE.get(DeviceSpace.INT, at[lane] + offset);
                    }
                } else {
                    for (int rest = active; rest != 0; rest &= rest - 1) {
                        int lane = Warp.lane(rest);
                        element.put(w, lane, Place.read(w, lane, at[lane] + offset, element.bytes));
                    }
                }
            }
        }

        private void loadAnywhere(Warp w, int active) {
            int bytes = elements[0].bytes;
            for (int rest = active; rest != 0; rest &= rest - 1) {
                int lane = Warp.lane(rest);
                long at = place.resolve(w, lane, this);
                if (Place.isShared(at)) {
                    w.block.shared.read(w, lane, this, Place.offset(at), bytes * elements.length);
                }
                for (int i = 0; i < elements.length; i++) {
                    elements[i].put(w, lane, Place.read(w, lane, at + (long) i * bytes, bytes));
                }
            }
        }
    }

    private static final class Store extends Instruction {
        private final Place place;
        private final Element[] elements;

        Store(Statement s, Place place, Element[] elements) {
            super(s, Kind.PLAIN);
            this.place = place;
            this.elements = elements;
        }

        @Override
        void execute(Warp w, int active) {
            int bytes = elements[0].bytes;
            for (int rest = active; rest != 0; rest &= rest - 1) {
                int lane = Warp.lane(rest);
                long at = place.resolve(w, lane, this);
                for (int i = 0; i < elements.length; i++) {
                    Place.write(w, lane, this, at + (long) i * bytes, bytes, elements[i].get(w, lane));
                }
            }
        }
    }

    private static final class Parameter extends Instruction {
        private final int offset;
        private final Element[] elements;

        Parameter(Statement s, int offset, Element[] elements) {
            super(s, Kind.PLAIN);
            this.offset = offset;
            this.elements = elements;
        }

        @Override
        void execute(Warp w, int active) {
            for (int i = 0; i < elements.length; i++) {
                int at = offset + i * elements[i].bytes;
                long bits = switch (elements[i].bytes) {
                    case 1 -> w.block.parameters.get(at);
                    case 2 -> w.block.parameters.getShort(at);
                    case 4 -> w.block.parameters.getInt(at);
                    default -> w.block.parameters.getLong(at);
                };
                for (int rest = active; rest != 0; rest &= rest - 1) {
                    elements[i].put(w, Warp.lane(rest), bits);
                }
            }
        }
    }
}
