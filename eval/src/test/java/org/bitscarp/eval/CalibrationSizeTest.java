package org.bitscarp.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.DecoderSpec;
import org.junit.jupiter.api.Test;

class CalibrationSizeTest {
    private static DecoderSpec model(int positions) {
        return DecoderSpec.llama("llama", 10, 8, 1, AttentionSpec.full(2, 1, 4, null), 16, 1e-5f, true, positions);
    }

    @Test
    void samplesAreWindows() {
        CalibrationSize size = new CalibrationSize(65536, 128, 512);
        assertEquals(128 * 512, size.tokensFor(model(4096)));
        assertEquals(512, size.contextFor(model(256)));
        CalibrationSize most = new CalibrationSize(65536, Integer.MAX_VALUE, 512);
        assertEquals(Integer.MAX_VALUE, most.tokensFor(model(4096)));
    }

    /** The model's, at most 2048 and no more than there are tokens to be. */
    @Test
    void windowsAreAsLongAsTheModelWasMadeFor() {
        CalibrationSize size = new CalibrationSize(65536, 0, 0);
        assertEquals(512, size.contextFor(model(512)));
        assertEquals(2048, size.contextFor(model(131072)));
        assertEquals(65536, size.tokensFor(model(131072)));
        assertEquals(300, new CalibrationSize(300, 0, 0).contextFor(model(512)));
        assertEquals(16 * 2048, new CalibrationSize(300, 16, 0).tokensFor(model(4096)));
    }
}
