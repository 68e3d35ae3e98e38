package org.bitscarp.eval.report;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class FiguresTest {
    @Test
    void wordsForWhatIsNotFinite() {
        assertEquals("nan", Figures.fixed(Double.NaN, 2));
        assertEquals("inf", Figures.shortest(Double.POSITIVE_INFINITY));
        assertEquals("-inf", Figures.perplexity(Double.NEGATIVE_INFINITY, 2));
        assertEquals("+inf", Figures.signed(Double.POSITIVE_INFINITY));
        assertEquals("nan", Figures.signed(Double.NaN));
        assertEquals("nan", Figures.errorPercent(Double.NaN));
        assertEquals("inf", Figures.nats(Double.POSITIVE_INFINITY));
        assertEquals("nan", Figures.bits(Double.NaN));
    }

    @Test
    void signedKeepsTheSignOfWhatRoundsToZero() {
        assertEquals("-0.00", Figures.signed(-1e-6));
        assertEquals("+0.00", Figures.signed(1e-6));
        assertEquals("+0.00", Figures.signed(0));
        assertEquals("+4.31", Figures.signed(0.0431));
        assertEquals("+100.0", Figures.signed(0.99999));
        assertEquals("-12.50", Figures.signed(-0.125));
        assertEquals("+9.7e+06", Figures.signed(97_303));
    }

    @Test
    void roughPercentHasThreeFigures() {
        assertEquals("+0.00 %", Figures.roughPercent(0));
        assertEquals("+7.01 %", Figures.roughPercent(0.070137));
        assertEquals("+10.0 %", Figures.roughPercent(0.09999));
        assertEquals("+60.6 %", Figures.roughPercent(0.60614));
        assertEquals("+193 %", Figures.roughPercent(1.9325));
        assertEquals("-1.50 %", Figures.roughPercent(-0.015));
        assertEquals("+inf %", Figures.roughPercent(Double.POSITIVE_INFINITY));
    }

    @Test
    void perplexityColumnsHaveFiveFigures() {
        assertEquals(4, Figures.decimals(5.6789));
        assertEquals(2, Figures.decimals(163.7));
        assertEquals(0, Figures.decimals(99_999));
        assertEquals(2, Figures.decimals(Double.NaN));
        assertEquals("1.2e+08", Figures.perplexity(1.2345e8, 2));
    }

    @Test
    void bitsDropZeros() {
        assertEquals("16", Figures.bits(16));
        assertEquals("4.19", Figures.bits(4.1875));
        assertEquals("2.5", Figures.bits(2.5));
        assertEquals("20", Figures.bits(20));
        assertEquals("1.725", Figures.bitsColumn(1.725));
    }

    @Test
    void smallFiguresKeepTheirDigits() {
        assertEquals("0.0141", Figures.nats(0.0141));
        assertEquals("3.1e-7", Figures.nats(3.1e-7));
        assertEquals("0.0000", Figures.nats(0));
        assertEquals("0.0066", Figures.errorPercent(6.6e-5));
        assertEquals("0.00", Figures.errorPercent(0));
        assertEquals("16.9", Figures.errorPercent(0.1688));
        assertEquals("+10 %", Figures.allowance(1.10));
        assertEquals("+2.5 %", Figures.allowance(1.025));
    }

    @Test
    void unitsOfSizeAndTime() {
        assertEquals("25.41", Figures.megabytes(25_411_584, 3_364_864));
        assertEquals("28000", Figures.megabytes(28e9, 4e9));
        assertEquals("28.00 GB", Figures.size(28e9));
        assertEquals("4.3 MB", Figures.size(4_278_272));
        assertEquals("41.7 s", Figures.duration(41.7));
        assertEquals("4 min 12 s", Figures.duration(252));
        assertEquals("34 h 17 min", Figures.duration(123_456.7));
    }

    @Test
    void ticksAreShort() {
        assertEquals("0.0001", Figures.tick(1e-4));
        assertEquals("1e-5", Figures.tick(1e-5));
        assertEquals("3e6", Figures.tick(3e6));
        assertEquals("0", Figures.tick(0));
        assertEquals("200", Figures.tick(200));
        assertEquals("2.5", Figures.tick(2.5));
    }
}
