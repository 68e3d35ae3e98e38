package org.bitscarp.model.internal.packed;

import java.io.IOException;

/** The integers of a packed matrix, 8 bits at most. */
interface Codes {
    /** Width of a code. */
    int bits();

    /** Some rows, ready to be unpacked. */
    interface Tile {
        /** Unpacks a row, counted from the first of the tile, into as many codes as the matrix has columns. */
        void row(int row, byte[] codes);
    }

    /** Rows that a tile should have, at most: as many as fit a cache, at least one. */
    int tileRows();

    Tile tile(long firstRow, int rows) throws IOException;
}
