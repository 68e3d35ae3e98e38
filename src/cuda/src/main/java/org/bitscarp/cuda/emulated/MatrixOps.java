package org.bitscarp.cuda.emulated;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bitscarp.cuda.emulated.ptx.Operands;
import org.bitscarp.cuda.emulated.ptx.PtxException;
import org.bitscarp.cuda.emulated.ptx.Statement;

/**
 * {@code mma.sync} of 16 × 8 tiles and {@code ldmatrix} (PTX ISA, sections 9.7.13.4.5 ff. and 9.7.13.4.15).
 *
 * <p>With g = lane / 4, t = lane mod 4 and e elements in a register, register i of A holds row g + 8·(i mod 2), columns
 * e·t … e·t + e − 1 of the column block i / 2, each 4·e wide; register i of B the same rows of its column g; C and D hold
 * columns 2·t and 2·t + 1 of rows g and g + 8.
 */
final class MatrixOps {
    private static final Pattern MMA = Pattern.compile(
            "mma\\.sync\\.aligned\\.m16n8k(\\d+)\\.row\\.col\\.(f32|s32)\\.(f16|bf16|tf32|s8|u8)\\.(f16|bf16|tf32|s8|u8)\\.\\2");
    private static final Pattern LOAD =
            Pattern.compile("ldmatrix\\.sync\\.aligned\\.m8n8\\.x([124])(\\.trans)?\\.shared(?:::cta)?\\.b16");

    private MatrixOps() {}

    static Instruction decode(Decoder d, Statement s) {
        Matcher mma = MMA.matcher(s.opcode());
        if (mma.matches()) {
            return multiply(d, s, Integer.parseInt(mma.group(1)), mma.group(3), mma.group(4));
        }
        Matcher load = LOAD.matcher(s.opcode());
        if (load.matches()) {
            d.sharedAccess(4);
            int[] rows = rows(d, s, 0, Integer.parseInt(load.group(1)));
            return new LoadMatrix(
                    s, rows, load.group(2) != null, Address.read(d, s.operands().get(1), s));
        }
        return null;
    }

    private static Instruction multiply(Decoder d, Statement s, int k, String a, String b) {
        int inRegister = a.equals("tf32") ? 1 : a.endsWith("8") ? 4 : 2;
        boolean whole = a.endsWith("8");
        boolean known = inRegister == (b.equals("tf32") ? 1 : b.endsWith("8") ? 4 : 2)
                && s.opcode().contains(whole ? ".s32." : ".f32.")
                && (whole || a.equals(b))
                && (k == 4 * inRegister || k == 8 * inRegister);
        if (!known) {
            throw new PtxException(s.line(), s.opcode() + " is not known to the emulated device");
        }
        int parts = k / (4 * inRegister);
        return new Multiply(
                s,
                k,
                inRegister,
                a,
                b,
                rows(d, s, 0, 4),
                rows(d, s, 1, 2 * parts),
                rows(d, s, 2, parts),
                rows(d, s, 3, 4));
    }

    private static int[] rows(Decoder d, Statement s, int operand, int count) {
        List<String> names = Operands.elements(s.operands().get(operand), s.line());
        if (names.size() != count) {
            throw new PtxException(s.line(), s.opcode() + ": operand " + operand + " has " + count + " registers");
        }
        return names.stream().mapToInt(n -> d.row(n, 'w', s)).toArray();
    }

    private static void requireWholeWarp(Instruction in, Warp w, int active) {
        if (active != -1) {
            throw in.fault(
                    w, Warp.lane(active), "takes all 32 lanes of a warp, which only has " + Integer.bitCount(active));
        }
    }

    private static final class Multiply extends Instruction {
        private static final int M = 16;
        private static final int N = 8;
        private final int k;
        private final int inRegister;
        private final String typeA;
        private final String typeB;
        private final int[] d;
        private final int[] a;
        private final int[] b;
        private final int[] c;

        Multiply(Statement s, int k, int inRegister, String typeA, String typeB, int[] d, int[] a, int[] b, int[] c) {
            super(s, Kind.WARP);
            this.k = k;
            this.inRegister = inRegister;
            this.typeA = typeA;
            this.typeB = typeB;
            this.d = d;
            this.a = a;
            this.b = b;
            this.c = c;
        }

        @Override
        void execute(Warp w, int active) {
            requireWholeWarp(this, w, active);
            float[] left = w.tileA;
            float[] right = w.tileB;
            gather(w, left, right);
            if (inRegister == 4) {
                multiplyWhole(w, left, right);
            } else {
                multiplyReal(w, left, right);
            }
        }

        /** A as [16][k], B as [k][8]. */
        private void gather(Warp w, float[] left, float[] right) {
            int block = 4 * inRegister;
            for (int i = 0; i < a.length; i++) {
                unpack(w.r, a[i], typeA, left, 8 * (i & 1) * k + block * (i >> 1), k, 1);
            }
            for (int i = 0; i < b.length; i++) {
                unpack(w.r, b[i], typeB, right, block * i * N, 1, N);
            }
        }

        /** Element e of lane 4·g + t goes to {@code from + g·outer + (inRegister·t + e)·inner}. */
        private void unpack(int[] r, int row, String type, float[] to, int from, int outer, int inner) {
            switch (type) {
                case "f16" -> {
                    for (int lane = 0; lane < Warp.LANES; lane++) {
                        int at = from + (lane >> 2) * outer + 2 * (lane & 3) * inner;
                        to[at] = Float.float16ToFloat((short) r[row + lane]);
                        to[at + inner] = Float.float16ToFloat((short) (r[row + lane] >> 16));
                    }
                }
                case "bf16" -> {
                    for (int lane = 0; lane < Warp.LANES; lane++) {
                        int at = from + (lane >> 2) * outer + 2 * (lane & 3) * inner;
                        to[at] = Float.intBitsToFloat(r[row + lane] << 16);
                        to[at + inner] = Float.intBitsToFloat(r[row + lane] & 0xffff0000);
                    }
                }
                // A tensor core reads the upper 19 bits.
                case "tf32" -> {
                    for (int lane = 0; lane < Warp.LANES; lane++) {
                        to[from + (lane >> 2) * outer + (lane & 3) * inner] =
                                Float.intBitsToFloat(r[row + lane] & 0xffffe000);
                    }
                }
                default -> {
                    boolean signed = type.equals("s8");
                    for (int lane = 0; lane < Warp.LANES; lane++) {
                        for (int e = 0; e < 4; e++) {
                            int value = r[row + lane] >> 8 * e;
                            to[from + (lane >> 2) * outer + (4 * (lane & 3) + e) * inner] =
                                    signed ? (byte) value : value & 0xff;
                        }
                    }
                }
            }
        }

        /** Products are exact in fp32 and summed one by one in fp32; a tensor core sums several at once, less exactly. */
        private void multiplyReal(Warp w, float[] left, float[] right) {
            float[] sums = w.tileC;
            for (int lane = 0; lane < Warp.LANES; lane++) {
                for (int i = 0; i < 4; i++) {
                    sums[at(lane, i)] = Float.intBitsToFloat(w.r[c[i] + lane]);
                }
            }
            for (int row = 0; row < M; row++) {
                for (int j = 0; j < k; j++) {
                    float x = left[row * k + j];
                    for (int n = 0; n < N; n++) {
                        sums[row * N + n] += x * right[j * N + n];
                    }
                }
            }
            for (int lane = 0; lane < Warp.LANES; lane++) {
                for (int i = 0; i < 4; i++) {
                    w.r[d[i] + lane] = Float.floatToRawIntBits(sums[at(lane, i)]);
                }
            }
        }

        /** Sums of 8-bit products stay exact: at most 32 of them, each below 2^16. */
        private void multiplyWhole(Warp w, float[] left, float[] right) {
            float[] sums = w.tileC;
            java.util.Arrays.fill(sums, 0);
            for (int row = 0; row < M; row++) {
                for (int j = 0; j < k; j++) {
                    for (int n = 0; n < N; n++) {
                        sums[row * N + n] += left[row * k + j] * right[j * N + n];
                    }
                }
            }
            for (int lane = 0; lane < Warp.LANES; lane++) {
                for (int i = 0; i < 4; i++) {
                    w.r[d[i] + lane] = w.r[c[i] + lane] + (int) sums[at(lane, i)];
                }
            }
        }

        private static int at(int lane, int i) {
            return ((lane >> 2) + 8 * (i >> 1)) * N + 2 * (lane & 3) + (i & 1);
        }
    }

    /** Lanes 8·m … 8·m + 7 give the addresses of the rows of matrix m, 16 bytes each. */
    private static final class LoadMatrix extends Instruction {
        private final int[] targets;
        private final boolean transposed;
        private final Address address;

        LoadMatrix(Statement s, int[] targets, boolean transposed, Address address) {
            super(s, Kind.WARP);
            this.targets = targets;
            this.transposed = transposed;
            this.address = address;
        }

        @Override
        void execute(Warp w, int active) {
            requireWholeWarp(this, w, active);
            SharedMemory shared = w.block.shared;
            int[] start = w.saved;
            for (int lane = 0; lane < 8 * targets.length; lane++) {
                long at = address.of(w, lane);
                shared.check(w, lane, this, at, 16);
                shared.read(w, lane, this, (int) at, 16);
                start[lane] = (int) at;
            }
            for (int m = 0; m < targets.length; m++) {
                for (int lane = 0; lane < Warp.LANES; lane++) {
                    int g = lane >> 2;
                    int pair = 2 * (lane & 3);
                    w.r[targets[m] + lane] = transposed
                            ? half(shared, start[8 * m + pair], g) | half(shared, start[8 * m + pair + 1], g) << 16
                            : (int) SharedMemory.INT.get(shared.bytes, start[8 * m + g] + 2 * pair);
                }
            }
        }

        private static int half(SharedMemory shared, int row, int column) {
            return (short) SharedMemory.SHORT.get(shared.bytes, row + 2 * column) & 0xffff;
        }
    }
}
