package org.bitscarp.datasets.internal;

import java.io.IOException;
import java.io.UnsupportedEncodingException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.bitscarp.datasets.internal.ThriftReader.Struct;

/** The pages of one column chunk of strings, to rows (Parquet format, {@code Encodings.md}, PageHeader of the Thrift). */
final class ParquetPages {
    /** Published files have pages of about a megabyte. */
    private static final int MAX_PAGE = 1 << 28;

    /** A page of some bytes can hold many values that are missing, but writers end a page long before this. */
    private static final int MAX_VALUES = 1 << 24;

    private static final int DATA = 0;
    private static final int DICTIONARY = 2;
    private static final int DATA_V2 = 3;

    private static final int PLAIN = 0;
    private static final int PLAIN_DICTIONARY = 2;
    private static final int RLE = 3;
    private static final int DELTA_LENGTH = 6;
    private static final int DELTA = 7;
    private static final int RLE_DICTIONARY = 8;

    private final boolean optional;
    private final long codec;
    private final long expected;
    private final Rows rows;
    private String[] dictionary;

    /**
     * @param optional whether rows can lack a value
     * @param codec number of the compression
     * @param expected values of all pages together
     */
    ParquetPages(boolean optional, long codec, long expected, Rows rows) {
        this.optional = optional;
        this.codec = codec;
        this.expected = expected;
        this.rows = rows;
    }

    /** Until the chunk's values are all read or no more rows are wanted. */
    void read(ByteBuffer chunk) throws IOException {
        long read = 0;
        while (read < expected && rows.wanted()) {
            Struct header = new ThriftReader(chunk).read();
            int type = (int) header.number(1, -1);
            long unpacked = header.number(2, -1);
            long packed = header.number(3, -1);
            if (unpacked < 0 || unpacked > MAX_PAGE || packed < 0 || packed > chunk.remaining()) {
                throw new IllegalArgumentException("a page of " + packed + " bytes, " + unpacked + " unpacked, where "
                        + chunk.remaining() + " are left");
            }
            byte[] body = new byte[(int) packed];
            chunk.get(body);
            switch (type) {
                case DICTIONARY -> {
                    Struct info = header.struct(7);
                    dictionary = plain(body(body, (int) unpacked), count(info, unpacked));
                }
                case DATA -> read += data(header.struct(5), body(body, (int) unpacked));
                case DATA_V2 -> read += dataV2(header.struct(8), body, (int) unpacked);
                // Pages of other kinds (an index) hold no values.
                default -> {}
            }
            if (read > expected) {
                throw new IllegalArgumentException("pages hold more than the " + expected + " values of their chunk");
            }
        }
    }

    private ByteBuffer body(byte[] packed, int size) throws IOException {
        return ByteBuffer.wrap(PageCodec.unpack(codec, packed, size)).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Values of a page, bounded by what can be: an array of that length is made. */
    private static int count(Struct info, long limit) {
        long count = info.number(1, -1);
        if (count < 0 || count > limit) {
            throw new IllegalArgumentException("a page claims " + count + " values, more than " + limit);
        }
        return (int) count;
    }

    private int data(Struct info, ByteBuffer body) throws IOException {
        int count = count(info, Math.min(expected, MAX_VALUES));
        int[] levels = null;
        if (optional) {
            long length = body.getInt() & 0xffffffffL;
            if (info.number(3, RLE) != RLE || length > body.remaining()) {
                throw new IllegalArgumentException(
                        "definition levels of " + length + " bytes in encoding " + info.number(3, RLE));
            }
            levels = Levels.read(body.slice(body.position(), (int) length), 1, count);
            body.position(body.position() + (int) length);
        }
        values((int) info.number(2, -1), body, levels, count);
        return count;
    }

    /** Levels stand in front, never compressed. */
    private int dataV2(Struct info, byte[] page, int unpacked) throws IOException {
        int count = count(info, Math.min(expected, MAX_VALUES));
        long levelBytes = info.number(5, 0);
        long front = levelBytes + info.number(6, 0);
        if (levelBytes < 0 || front < levelBytes || front > page.length || front > unpacked) {
            throw new IllegalArgumentException("levels of " + front + " bytes in a page of " + page.length);
        }
        int[] levels = optional ? Levels.read(ByteBuffer.wrap(page, 0, (int) levelBytes), 1, count) : null;
        byte[] rest = java.util.Arrays.copyOfRange(page, (int) front, page.length);
        int size = unpacked - (int) front;
        ByteBuffer body = info.truth(7, true) && size > 0
                ? body(rest, size)
                : ByteBuffer.wrap(rest).order(ByteOrder.LITTLE_ENDIAN);
        values((int) info.number(4, -1), body, levels, count);
        return count;
    }

    private void values(int encoding, ByteBuffer body, int[] levels, int count) throws IOException {
        int present = count;
        if (levels != null) {
            present = 0;
            for (int level : levels) {
                present += level == 1 ? 1 : 0;
            }
        }
        String[] values = switch (encoding) {
            case PLAIN -> plain(body, present);
            case PLAIN_DICTIONARY, RLE_DICTIONARY -> indexed(body, present);
            case DELTA_LENGTH -> DeltaStrings.lengths(body, present);
            case DELTA -> DeltaStrings.prefixes(body, present, MAX_PAGE);
            default ->
                throw new UnsupportedEncodingException(
                        "its strings are in Parquet encoding " + encoding + "; plain, dictionary and delta are read");
        };
        int next = 0;
        for (int i = 0; i < count && rows.wanted(); i++) {
            rows.add(levels == null || levels[i] == 1 ? values[next++] : null);
        }
    }

    private static String[] plain(ByteBuffer body, int count) {
        // Each value has four bytes of length.
        if (count > body.remaining() / 4) {
            throw new IllegalArgumentException(count + " strings in " + body.remaining() + " bytes");
        }
        String[] values = new String[count];
        for (int i = 0; i < count; i++) {
            int length = body.getInt();
            if (length < 0 || length > body.remaining()) {
                throw new IllegalArgumentException(
                        "a string of " + length + " bytes where " + body.remaining() + " are left");
            }
            values[i] = new String(body.array(), body.arrayOffset() + body.position(), length, StandardCharsets.UTF_8);
            body.position(body.position() + length);
        }
        return values;
    }

    private String[] indexed(ByteBuffer body, int count) {
        if (dictionary == null) {
            throw new IllegalArgumentException("a page without its dictionary");
        }
        String[] values = new String[count];
        if (count == 0) {
            return values;
        }
        int[] indices = Levels.read(body, body.get(), count);
        for (int i = 0; i < count; i++) {
            values[i] = dictionary[java.util.Objects.checkIndex(indices[i], dictionary.length)];
        }
        return values;
    }
}
