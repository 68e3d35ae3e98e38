package org.bitscarp.cuda.emulated;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Arithmetic of fp16 and bf16, alone and in pairs (PTX ISA, sections 9.7.4 and 9.7.3). */
final class HalfOps {
    private static final Pattern FORM = Pattern.compile(
            "(add|sub|mul|fma|neg|abs|min|max|ex2|tanh)(\\.rn|\\.approx)?(\\.ftz)?(\\.sat|\\.relu|\\.NaN)?\\.(bf16|f16)(x2)?");

    @FunctionalInterface
    private interface HalfFunction {
        int of(int a, int b, int c);
    }

    private HalfOps() {}

    static Form find(String opcode) {
        Matcher m = FORM.matcher(opcode);
        if (!m.matches() || (m.group(3) != null && !m.group(5).equals("f16"))) {
            return null;
        }
        HalfFunction f =
                function(m.group(1), ".NaN".equals(m.group(4)), m.group(5).equals("bf16"));
        if (m.group(3) != null) {
            HalfFunction whole = f;
            f = (a, b, c) -> flush(whole.of(flush(a), flush(b), flush(c)));
        }
        if (".relu".equals(m.group(4)) || ".sat".equals(m.group(4))) {
            f = limited(f, m.group(4), m.group(5).equals("bf16"));
        }
        int operands = switch (m.group(1)) {
            case "neg", "abs", "ex2", "tanh" -> 1;
            case "fma" -> 3;
            default -> 2;
        };
        boolean pair = m.group(6) != null;
        return new Form('w', (pair ? "www" : "hhh").substring(0, operands), loop(f, operands, pair));
    }

    private static Op loop(HalfFunction f, int operands, boolean pair) {
        return (w, d, a, b, c) -> {
            for (int i = 0; i < Warp.LANES; i++) {
                int x = w.r[a + i];
                int y = operands > 1 ? w.r[b + i] : 0;
                int z = operands > 2 ? w.r[c + i] : 0;
                int low = f.of(x & 0xffff, y & 0xffff, z & 0xffff) & 0xffff;
                w.r[d + i] = pair ? low | f.of(x >>> 16, y >>> 16, z >>> 16) << 16 : low;
            }
        };
    }

    private static HalfFunction function(String name, boolean keepsNaN, boolean brain) {
        return switch (name) {
            case "add" -> (a, b, c) -> Halves.fma(Halves.value(a, brain), 1, Halves.value(b, brain), brain);
            case "sub" -> (a, b, c) -> Halves.fma(Halves.value(a, brain), 1, -Halves.value(b, brain), brain);
            case "mul" -> (a, b, c) -> Halves.nearest((double) Halves.value(a, brain) * Halves.value(b, brain), brain);
            case "fma" ->
                (a, b, c) -> Halves.fma(Halves.value(a, brain), Halves.value(b, brain), Halves.value(c, brain), brain);
            case "neg" -> (a, b, c) -> a ^ 0x8000;
            case "abs" -> (a, b, c) -> a & 0x7fff;
            case "min" -> (a, b, c) -> least(a, b, keepsNaN, brain, 1);
            case "max" -> (a, b, c) -> least(a, b, keepsNaN, brain, -1);
            case "ex2" -> (a, b, c) -> Halves.nearest(Math.pow(2, Halves.value(a, brain)), brain);
            default -> (a, b, c) -> Halves.nearest(Math.tanh(Halves.value(a, brain)), brain);
        };
    }

    private static int least(int a, int b, boolean keepsNaN, boolean brain, float sign) {
        float x = sign * Halves.value(a, brain);
        float y = sign * Halves.value(b, brain);
        return Halves.nearest(sign * (keepsNaN ? Math.min(x, y) : FloatOps.smaller(x, y)), brain);
    }

    private static HalfFunction limited(HalfFunction f, String how, boolean brain) {
        boolean saturates = how.equals(".sat");
        return (a, b, c) -> {
            int result = f.of(a, b, c);
            float value = Halves.value(result, brain);
            if (Float.isNaN(value)) {
                return saturates ? 0 : result;
            }
            return Halves.nearest(saturates ? Math.clamp(value, 0f, 1f) : Math.max(value, 0f), brain);
        };
    }

    private static int flush(int bits) {
        return (bits & 0x7c00) == 0 ? bits & 0x8000 : bits;
    }
}
