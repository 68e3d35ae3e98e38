package org.bitscarp.cuda.emulated;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bitscarp.cuda.driver.EntrySignature;

/**
 * {@code cvt} between all types (PTX ISA, section 9.7.8.21). Floats to integers are clamped to the range and NaN gives 0;
 * integers to integers are cut, or clamped with {@code .sat}.
 */
final class ConvertOps {
    private ConvertOps() {}

    static Form find(String opcode) {
        if (!opcode.startsWith("cvt.")) {
            return null;
        }
        Form form = frequent(opcode);
        if (form != null) {
            return form;
        }
        List<String> words = new ArrayList<>(Arrays.asList(opcode.split("\\.")));
        words.removeFirst();
        boolean flush = words.remove("ftz");
        boolean saturate = words.remove("sat");
        boolean relu = words.remove("relu");
        Rounding rounding = Rounding.of(words.getFirst());
        boolean integral = rounding != null && words.getFirst().endsWith("i");
        if (rounding != null) {
            words.removeFirst();
        }
        if (words.size() != 2) {
            return null;
        }
        String to = words.get(0);
        String from = words.get(1);
        if (to.equals("f16x2") || to.equals("bf16x2")) {
            return from.equals("f32") && rounding != null ? pair(to.equals("bf16x2"), rounding, relu) : null;
        }
        if (relu || !known(to) || !known(from) || EntrySignature.sizeOf(standard(to)) == 1) {
            return null;
        }
        if (isFloat(from)) {
            return isFloat(to)
                    ? floatToFloat(to, from, rounding, integral, flush, saturate)
                    : floatToInteger(to, from, rounding, flush);
        }
        return isFloat(to) ? integerToFloat(to, from, rounding) : integerToInteger(to, from, saturate);
    }

    private static String standard(String type) {
        return type.equals("tf32") ? "f32" : type;
    }

    private static boolean known(String type) {
        return type.matches("[us](8|16|32|64)|b?f16|t?f32|f64");
    }

    private static boolean isFloat(String type) {
        return type.contains("f");
    }

    private static Form frequent(String opcode) {
        return switch (opcode) {
            case "cvt.rn.f32.s32" -> Loops.words(a -> Float.floatToRawIntBits((float) a));
            case "cvt.f32.f16" ->
                new Form('w', "h", (w, d, a, b, c) -> {
                    for (int i = 0; i < Warp.LANES; i++) {
                        w.r[d + i] = Float.floatToRawIntBits(Float.float16ToFloat((short) w.r[a + i]));
                    }
                });
            case "cvt.rn.f16.f32" ->
                new Form('w', "w", (w, d, a, b, c) -> {
                    for (int i = 0; i < Warp.LANES; i++) {
                        float value = Float.intBitsToFloat(w.r[a + i]);
                        w.r[d + i] = value != value ? 0x7fff : Float.floatToFloat16(value) & 0xffff;
                    }
                });
            case "cvt.s64.s32" ->
                new Form('q', "w", (w, d, a, b, c) -> {
                    for (int i = 0; i < Warp.LANES; i++) {
                        w.q[d + i] = w.r[a + i];
                    }
                });
            case "cvt.u64.u32" ->
                new Form('q', "w", (w, d, a, b, c) -> {
                    for (int i = 0; i < Warp.LANES; i++) {
                        w.q[d + i] = w.r[a + i] & 0xffffffffL;
                    }
                });
            case "cvt.u32.u64" ->
                new Form('w', "q", (w, d, a, b, c) -> {
                    for (int i = 0; i < Warp.LANES; i++) {
                        w.r[d + i] = (int) w.q[a + i];
                    }
                });
            default -> null;
        };
    }

    /** A conversion of 32 bits or fewer out of a register of 64 (PTX ISA, section 9.4.1, "relaxed type-checking"). */
    static Form narrowed(Form form) {
        return new Form(form.target(), "q", (w, d, a, b, c) -> {
            for (int i = 0; i < Warp.LANES; i++) {
                w.r[w.scratch + i] = (int) w.q[a + i];
            }
            form.op().run(w, d, w.scratch, b, c);
        });
    }

    /** The first operand becomes the upper half. */
    private static Form pair(boolean brain, Rounding rounding, boolean relu) {
        return Loops.words((a, b) -> half(a, brain, rounding, relu) << 16 | half(b, brain, rounding, relu));
    }

    private static int half(int bits, boolean brain, Rounding rounding, boolean relu) {
        float value = Float.intBitsToFloat(bits);
        return Halves.bits(relu && value < 0 ? 0 : value, brain, rounding);
    }

    private static Form form(String to, String from, Convert convert) {
        char target = Decoder.file(to);
        char source = Decoder.file(from);
        return new Form(target, String.valueOf(source), (w, d, a, b, c) -> {
            for (int i = 0; i < Warp.LANES; i++) {
                long result = convert.of(source == 'q' ? w.q[a + i] : w.r[a + i]);
                if (target == 'q') {
                    w.q[d + i] = result;
                } else {
                    w.r[d + i] = (int) result;
                }
            }
        });
    }

    /** Bits to bits. */
    @FunctionalInterface
    private interface Convert {
        long of(long bits);
    }

    private static Form floatToFloat(
            String to, String from, Rounding rounding, boolean integral, boolean flush, boolean saturate) {
        return form(to, from, bits -> {
            double x = real(from, bits, flush);
            if (integral) {
                x = Math.copySign(rounding.integer(x), x);
            }
            if (saturate) {
                x = x > 0 ? Math.min(x, 1) : 0;
            }
            Rounding last = rounding == null || integral ? Rounding.NEAREST_EVEN : rounding;
            long result = encode(to, x, last);
            return flush && to.equals("f32") ? FloatOps.flush((int) result) : result;
        });
    }

    private static Form floatToInteger(String to, String from, Rounding rounding, boolean flush) {
        if (rounding == null) {
            return null;
        }
        return form(to, from, bits -> {
            double x = rounding.integer(real(from, bits, flush));
            return switch (to) {
                case "s16" -> (long) Math.clamp(x, -32768, 32767) & 0xffff;
                case "u16" -> (long) Math.clamp(x, 0, 65535);
                case "s32" -> (int) x;
                case "u32" -> (long) Math.clamp(x, 0, 4294967295.0);
                case "s64" -> (long) x;
                default -> x < 0x1p63 ? Math.max(0, (long) x) : x >= 0x1p64 ? -1 : (long) (x - 0x1p63) ^ Long.MIN_VALUE;
            };
        });
    }

    private static Form integerToFloat(String to, String from, Rounding rounding) {
        boolean wide = from.endsWith("64");
        if (rounding == null || (wide && rounding != Rounding.NEAREST_EVEN) || (wide && to.endsWith("16"))) {
            return null;
        }
        return form(to, from, bits -> {
            long value = integer(from, bits);
            if (!wide) {
                return encode(to, value, rounding);
            }
            if (from.equals("u64") && value < 0) {
                // Halved, and the lost bit kept in the last place: it only decides ties.
                long half = value >>> 1 | value & 1;
                return to.equals("f64") ? Double.doubleToRawLongBits(2.0 * half) : Float.floatToRawIntBits(2f * half);
            }
            return to.equals("f64") ? Double.doubleToRawLongBits(value) : Float.floatToRawIntBits(value);
        });
    }

    private static Form integerToInteger(String to, String from, boolean saturate) {
        long least = to.equals("s16")
                ? -32768
                : to.equals("s32") ? Integer.MIN_VALUE : to.equals("s64") ? Long.MIN_VALUE : 0;
        long most = switch (to) {
            case "s16" -> 32767;
            case "u16" -> 65535;
            case "s32" -> Integer.MAX_VALUE;
            case "u32" -> 0xffffffffL;
            default -> Long.MAX_VALUE;
        };
        if (saturate && (from.equals("u64") || to.equals("u64"))) {
            return null;
        }
        return form(to, from, bits -> {
            long value = integer(from, bits);
            value = saturate ? Math.clamp(value, least, most) : value;
            return to.endsWith("16") ? value & 0xffff : value;
        });
    }

    private static long integer(String type, long bits) {
        return switch (type) {
            case "s8" -> (byte) bits;
            case "u8" -> bits & 0xff;
            case "s16" -> (short) bits;
            case "u16" -> bits & 0xffff;
            case "s32" -> (int) bits;
            case "u32" -> bits & 0xffffffffL;
            default -> bits;
        };
    }

    private static double real(String type, long bits, boolean flush) {
        return switch (type) {
            case "f16" -> Halves.value((int) bits, false);
            case "bf16" -> Halves.value((int) bits, true);
            case "f64" -> Double.longBitsToDouble(bits);
            default -> Float.intBitsToFloat(flush ? FloatOps.flush((int) bits) : (int) bits);
        };
    }

    private static long encode(String type, double value, Rounding rounding) {
        return switch (type) {
            case "f16" -> Halves.bits(value, false, rounding);
            case "bf16" -> Halves.bits(value, true, rounding);
            case "tf32" ->
                Float.floatToRawIntBits((float) rounding.toFormat(value, 10, Float.MIN_EXPONENT, 0x1.ffcp127));
            case "f64" -> Double.doubleToRawLongBits(value);
            default ->
                Float.floatToRawIntBits((float) rounding.toFormat(value, 23, Float.MIN_EXPONENT, Float.MAX_VALUE));
        };
    }
}
