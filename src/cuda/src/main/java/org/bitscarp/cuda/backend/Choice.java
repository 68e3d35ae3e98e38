package org.bitscarp.cuda.backend;

/** What chooses grids and codes of some rows on the device, prepared for one matrix. */
interface Choice {
    /** Bytes of memory that it takes for so many rows, beside the packed ones; a fixed part and the same for each row. */
    long bytes(int rows);

    /**
     * Packs rows. Weights that are not finite count as 0 where the format fits its blocks to them.
     *
     * @param w [rows, columns]
     * @param room address of {@link #bytes} bytes, aligned to 8
     * @param packed address of room for {@code rows × format.rowBytes(columns)} bytes
     * @param fallbacks address of a long that is added to: fallbacks of grids
     */
    void run(Lane lane, DeviceTensor w, long room, long packed, long fallbacks);
}
