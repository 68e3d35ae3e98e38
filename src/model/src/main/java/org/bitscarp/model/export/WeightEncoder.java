package org.bitscarp.model.export;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.bitscarp.quant.StoredFormat;

/** Gives a writer the bytes of a tensor: quantized, converted, or copied as they are. */
@FunctionalInterface
public interface WeightEncoder {
    /**
     * Writes rows {@code [firstRow, firstRow + rows)} of a tensor in a format, {@code format.byteSize(rows × columns)}
     * bytes from the beginning of {@code target}. A writer asks tensor by tensor in file order, rows of one tensor in
     * order; the encoder may use several threads inside a call.
     */
    void encode(ExportTensor tensor, StoredFormat format, long firstRow, long rows, MemorySegment target)
            throws IOException;
}
