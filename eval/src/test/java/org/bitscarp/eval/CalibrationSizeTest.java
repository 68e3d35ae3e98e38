package org.bitscarp.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class CalibrationSizeTest {
    @Test
    void samplesAreWindows() {
        assertEquals(new CalibrationSize(128 * 512, 512), CalibrationSize.ofSamples(128, 512));
        assertEquals(
                Integer.MAX_VALUE,
                CalibrationSize.ofSamples(Integer.MAX_VALUE, 512).tokens());
    }
}
