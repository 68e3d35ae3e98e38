package org.bitscarp.cuda.emulated;

import java.math.BigInteger;
import org.junit.jupiter.api.Test;

/** Integer instructions against arithmetic of any length. */
class IntegerTest {
    private static final int[] VALUES = LaneTable.withRandom(LaneTable.INTEGERS, 1);

    private static void check(String instruction, LaneTable.Truth truth) {
        LaneTable.words(instruction, VALUES, false, truth);
    }

    private static void checkWide(String instruction, LaneTable.Truth truth) {
        LaneTable.quads(instruction, VALUES, false, truth);
    }

    private static BigInteger unsigned(long word, int bits) {
        return BigInteger.valueOf(word).and(BigInteger.ONE.shiftLeft(bits).subtract(BigInteger.ONE));
    }

    @Test
    void sumsAndProducts() {
        check("add.s32 %r0, %r1, %r2;", (a, b, c) -> a + b);
        check("sub.s32 %r0, %r1, %r2;", (a, b, c) -> a - b);
        check("mad.lo.s32 %r0, %r1, %r2, %r3;", (a, b, c) -> a * b + c);
        check("mul.hi.s32 %r0, %r1, %r2;", (a, b, c) -> a * b >> 32);
        check(
                "mul.hi.u32 %r0, %r1, %r2;",
                (a, b, c) ->
                        unsigned(a, 32).multiply(unsigned(b, 32)).shiftRight(32).longValue());
        check("add.s32 %r0, %r1, -5;", (a, b, c) -> a - 5);
        check(
                "min.u32 %r0, %r1, %r2;",
                (a, b, c) -> unsigned(a, 32).min(unsigned(b, 32)).longValue());
        check("max.s32 %r0, %r1, %r2;", (a, b, c) -> Math.max(a, b));
        check(
                "div.u32 %r0, %r1, %r2;",
                (a, b, c) ->
                        b == 0 ? -1 : unsigned(a, 32).divide(unsigned(b, 32)).longValue());
        check("rem.s32 %r0, %r1, %r2;", (a, b, c) -> b == 0 ? a : a % b);
        check(
                "dp4a.s32.s32 %r0, %r1, %r2, %r3;",
                (a, b, c) -> (byte) a * (byte) b
                        + (byte) (a >> 8) * (byte) (b >> 8)
                        + (byte) (a >> 16) * (byte) (b >> 16)
                        + (byte) (a >> 24) * (byte) (b >> 24)
                        + c);
        check(
                "dp4a.u32.s32 %r0, %r1, %r2, %r3;",
                (a, b, c) -> (a & 255) * (byte) b
                        + (a >> 8 & 255) * (byte) (b >> 8)
                        + (a >> 16 & 255) * (byte) (b >> 16)
                        + (a >> 24 & 255) * (byte) (b >> 24)
                        + c);
    }

    @Test
    void sixtyFourBits() {
        checkWide("add.s64 %rd0, %rd1, %rd2;", (a, b, c) -> a + b);
        checkWide("mul.lo.s64 %rd0, %rd1, %rd2;", (a, b, c) -> a * b);
        checkWide(
                "mul.hi.u64 %rd0, %rd1, %rd2;",
                (a, b, c) ->
                        unsigned(a, 64).multiply(unsigned(b, 64)).shiftRight(64).longValue());
        checkWide(
                "mul.hi.s64 %rd0, %rd1, %rd2;",
                (a, b, c) -> BigInteger.valueOf(a)
                        .multiply(BigInteger.valueOf(b))
                        .shiftRight(64)
                        .longValue());
        checkWide("mul.wide.s32 %rd0, %r1, %r2;", (a, b, c) -> (long) (int) a * (int) b);
        checkWide("mul.wide.u32 %rd0, %r1, %r2;", (a, b, c) -> (a & 0xffffffffL) * (b & 0xffffffffL));
        checkWide("mad.wide.s32 %rd0, %r1, %r2, %rd1;", (a, b, c) -> (long) (int) a * (int) b + a);
        checkWide("shl.b64 %rd0, %rd1, %r3;", (a, b, c) -> Long.compareUnsigned(c & 0xffffffffL, 64) < 0 ? a << c : 0);
        checkWide("shr.s64 %rd0, %rd1, %r3;", (a, b, c) -> a >> ((c & 0xffffffffL) < 64 ? c : 63));
        checkWide("cvt.s64.s32 %rd0, %r1;", (a, b, c) -> (int) a);
        checkWide("cvt.u64.u32 %rd0, %r1;", (a, b, c) -> a & 0xffffffffL);
        checkWide("mov.b64 {%r4,%r5}, %rd1; mov.b64 %rd0, {%r5,%r4};", (a, b, c) -> a << 32 | a >>> 32);
    }

    @Test
    void sixteenBits() {
        String cut = "cvt.u16.u32 %rs1, %r1; cvt.u16.u32 %rs2, %r2;";
        check(cut + "add.s16 %rs3, %rs1, %rs2; cvt.u32.u16 %r0, %rs3;", (a, b, c) -> a + b & 0xffff);
        check(cut + "mul.lo.s16 %rs3, %rs1, %rs2; cvt.s32.s16 %r0, %rs3;", (a, b, c) -> (short) (a * b));
        check(cut + "mul.wide.u16 %r0, %rs1, %rs2;", (a, b, c) -> (a & 0xffff) * (b & 0xffff));
        check(cut + "shr.s16 %rs3, %rs1, 3; cvt.u32.u16 %r0, %rs3;", (a, b, c) -> (short) a >> 3 & 0xffff);
        check(cut + "min.s16 %rs3, %rs1, %rs2; cvt.s32.s16 %r0, %rs3;", (a, b, c) -> Math.min((short) a, (short) b));
        check("cvt.s32.s8 %r0, %r1;", (a, b, c) -> (byte) a);
        check("cvt.sat.s16.s32 %rs1, %r1; cvt.s32.s16 %r0, %rs1;", (a, b, c) -> Math.clamp(a, -32768, 32767));
        check("mov.b32 {%rs1,%rs2}, %r1; mov.b32 %r0, {%rs2,%rs1};", (a, b, c) -> a << 16 | (a & 0xffffffffL) >>> 16);
    }

    @Test
    void bits() {
        check("lop3.b32 %r0, %r1, %r2, %r3, 0xea;", (a, b, c) -> a & b | c);
        check("lop3.b32 %r0, %r1, %r2, %r3, 0x96;", (a, b, c) -> a ^ b ^ c);
        check("shl.b32 %r0, %r1, %r2;", (a, b, c) -> (b & 0xffffffffL) < 32 ? a << b : 0);
        check("shr.u32 %r0, %r1, %r2;", (a, b, c) -> (b & 0xffffffffL) < 32 ? (a & 0xffffffffL) >>> b : 0);
        check("shr.s32 %r0, %r1, %r2;", (a, b, c) -> a >> ((b & 0xffffffffL) < 32 ? b : 31));
        check("shf.l.wrap.b32 %r0, %r1, %r2, %r3;", (a, b, c) -> ((b << 32 | a & 0xffffffffL) << (c & 31)) >>> 32);
        check(
                "shf.r.clamp.b32 %r0, %r1, %r2, %r3;",
                (a, b, c) -> (c & 0xffffffffL) >= 32 ? b : (b << 32 | a & 0xffffffffL) >>> c);
        check("bfe.u32 %r0, %r1, 5, 11;", (a, b, c) -> a >> 5 & 0x7ff);
        check("bfe.s32 %r0, %r1, 28, 8;", (a, b, c) -> a >> 28);
        check("bfe.s32 %r0, %r1, 4, 4;", (a, b, c) -> a << 56 >> 60);
        check("bfi.b32 %r0, %r1, %r2, 4, 8;", (a, b, c) -> b & ~0xff0 | (a & 0xff) << 4);
        check(
                "prmt.b32 %r0, %r1, %r2, 0x3750;",
                (a, b, c) -> a & 255 | (b >> 8 & 255) << 8 | (b >> 24 & 255) << 16 | (a >> 24 & 255) << 24);
        check(
                "prmt.b32 %r0, %r1, %r2, 0x88b9;",
                (a, b, c) -> (byte) (a >> 8) >> 7 & 0xff
                        | ((byte) (a >> 24) >> 7 & 0xff) << 8
                        | ((byte) a >> 7 & 0xff) << 16
                        | ((byte) a >> 7 & 0xff) << 24);
        check("popc.b32 %r0, %r1;", (a, b, c) -> Integer.bitCount((int) a));
        check("clz.b32 %r0, %r1;", (a, b, c) -> Integer.numberOfLeadingZeros((int) a));
        check("bfind.u32 %r0, %r1;", (a, b, c) -> 31 - Integer.numberOfLeadingZeros((int) a));
        check("bfind.shiftamt.u32 %r0, %r1;", (a, b, c) -> (int) a == 0 ? -1 : Integer.numberOfLeadingZeros((int) a));
        check("brev.b32 %r0, %r1;", (a, b, c) -> Integer.reverse((int) a));
    }

    @Test
    void comparisonsAndChoices() {
        String select = " selp.b32 %r0, %r1, %r3, %p1;";
        check("setp.lt.s32 %p1, %r1, %r2;" + select, (a, b, c) -> a < b ? a : c);
        check("setp.lt.u32 %p1, %r1, %r2;" + select, (a, b, c) -> Long.compareUnsigned(a, b) < 0 ? a : c);
        check("setp.hs.u32 %p1, %r1, %r2;" + select, (a, b, c) -> Long.compareUnsigned(a, b) >= 0 ? a : c);
        check(
                "setp.ne.s32 %p2, %r2, 0; setp.ge.and.s32 %p1, %r1, %r2, %p2;" + select,
                (a, b, c) -> a >= b && b != 0 ? a : c);
        check(
                "setp.ne.s32 %p2, %r2, 0; setp.ge.or.s32 %p1, %r1, %r2, !%p2;" + select,
                (a, b, c) -> a >= b || b == 0 ? a : c);
        check("setp.eq.s32 %p2|%p1, %r1, %r2;" + select, (a, b, c) -> a != b ? a : c);
        check(
                "cvt.u16.u32 %rs1, %r1; cvt.u16.u32 %rs2, %r2; setp.gt.s16 %p1, %rs1, %rs2;" + select,
                (a, b, c) -> (short) a > (short) b ? a : c);
        check("set.eq.u32.s32 %r0, %r1, %r2;", (a, b, c) -> a == b ? -1 : 0);
        // A guard leaves the other lanes as they were.
        check("mov.u32 %r0, %r3; setp.lt.s32 %p1, %r1, %r2; @%p1 add.s32 %r0, %r1, 1;", (a, b, c) -> a < b ? a + 1 : c);
    }
}
