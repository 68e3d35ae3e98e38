package org.bitscarp.datasets.internal;

import java.io.IOException;
import java.io.UnsupportedEncodingException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bitscarp.datasets.TextException;
import org.bitscarp.datasets.internal.ThriftReader.Struct;

/**
 * A string column of a Parquet file (Apache Parquet format 2.x: {@code README.md}, {@code parquet.thrift}): footer, then
 * the column's pages one by one. Field numbers below are those of {@code parquet.thrift}.
 */
final class ParquetText {
    private static final int MAGIC = 0x31524150; // "PAR1"
    private static final int TAIL = 8;
    private static final long MAX_FOOTER = 1 << 28;
    private static final int BYTE_ARRAY = 6;
    private static final int REQUIRED = 0;
    private static final int OPTIONAL = 1;

    /** Where a column stands among the leaves of the schema. */
    private record Column(String name, int leaf, boolean optional) {}

    private ParquetText() {}

    static void read(Path file, Rows rows) throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            Struct footer = new ThriftReader(footer(file, channel)).read();
            Column column = column(file, footer.structs(2));
            for (Struct group : footer.structs(4)) {
                if (!rows.wanted()) {
                    return;
                }
                List<Struct> chunks = group.structs(1);
                if (column.leaf() >= chunks.size()) {
                    throw damaged(file, "a row group has " + chunks.size() + " columns", null);
                }
                chunk(file, channel, chunks.get(column.leaf()), column, group.number(3, -1), rows);
            }
        } catch (UnsupportedEncodingException e) {
            throw new TextException(file + ": " + e.getMessage(), e);
        } catch (BufferUnderflowException e) {
            throw damaged(file, "something ends too early", e);
        } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
            throw damaged(file, String.valueOf(e.getMessage()), e);
        }
    }

    private static ByteBuffer footer(Path file, FileChannel channel) throws IOException {
        long size = channel.size();
        ByteBuffer tail = part(file, channel, Math.max(0, size - TAIL), (int) Math.min(size, TAIL));
        long length = size < 3L * TAIL / 2 ? -1 : tail.getInt(0) & 0xffffffffL;
        if (length < 0 || tail.getInt(4) != MAGIC) {
            throw damaged(file, "it does not end with PAR1 (an encrypted or a cut file, or something else)", null);
        }
        if (length > MAX_FOOTER || length > size - TAIL) {
            throw damaged(file, "its footer claims " + length + " of " + size + " bytes", null);
        }
        return part(file, channel, size - TAIL - length, (int) length);
    }

    private static ByteBuffer part(Path file, FileChannel channel, long from, int length) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining()) {
            if (channel.read(bytes, from + bytes.position()) < 0) {
                throw damaged(file, "it became shorter", null);
            }
        }
        return bytes.flip();
    }

    /** The schema is a tree in the order of a walk: each element says how many children follow. */
    private static Column column(Path file, List<Struct> schema) throws TextException {
        List<Column> found = new ArrayList<>();
        List<String> names = new ArrayList<>();
        int leaf = 0;
        int at = 1;
        while (at < schema.size()) {
            Struct top = schema.get(at);
            int next = behind(schema, at);
            boolean repeated = top.number(3, REQUIRED) > OPTIONAL;
            if (next == at + 1 && top.number(1, -1) == BYTE_ARRAY && !repeated) {
                found.add(new Column(top.text(4), leaf, top.number(3, REQUIRED) == OPTIONAL));
            }
            names.add(top.text(4));
            for (; at < next; at++) {
                leaf += schema.get(at).number(5, 0) == 0 ? 1 : 0;
            }
        }
        for (String wanted : Rows.COLUMNS) {
            for (Column column : found) {
                if (column.name().equals(wanted)) {
                    return column;
                }
            }
        }
        throw new TextException(file + ": has no column of strings named any of " + Rows.COLUMNS + ", only "
                + names.stream().limit(20).toList());
    }

    /** Index behind the element and all that is below it. */
    private static int behind(List<Struct> schema, int at) {
        long open = 1;
        int next = at;
        while (open > 0) {
            long children = schema.get(next++).number(5, 0);
            if (children < 0 || children > schema.size()) {
                throw new IllegalArgumentException("a column with " + children + " fields");
            }
            open += children - 1;
        }
        return next;
    }

    private static void chunk(Path file, FileChannel channel, Struct chunk, Column column, long groupRows, Rows rows)
            throws IOException {
        Struct data = chunk.struct(3);
        long codec = data.number(4, -1);
        long values = data.number(5, -1);
        long length = data.number(7, -1);
        long start = data.number(9, -1);
        long dictionary = data.number(11, 0);
        // Some writers say 0 for "no dictionary".
        start = dictionary > 0 ? Math.min(start, dictionary) : start;
        if (!PageCodec.known(codec)) {
            throw new TextException(file + ": column " + column.name() + " is compressed with " + PageCodec.name(codec)
                    + "; UNCOMPRESSED, SNAPPY, GZIP, ZSTD and LZ4_RAW are read");
        }
        if (values == 0 && groupRows == 0) {
            return;
        }
        if (start < 4 || length < 0 || start > channel.size() - length || values != groupRows || chunk.has(1)) {
            throw damaged(
                    file,
                    "column " + column.name() + " claims " + length + " bytes at " + start + " of " + channel.size()
                            + " for " + values + " values in " + groupRows + " rows",
                    null);
        }
        new ParquetPages(column.optional(), codec, values, rows)
                .read(channel.map(FileChannel.MapMode.READ_ONLY, start, Math.min(length, Integer.MAX_VALUE))
                        .order(ByteOrder.LITTLE_ENDIAN));
    }

    private static TextException damaged(Path file, String why, Throwable cause) {
        return new TextException(file + " is no Parquet file that can be read: " + why + "; get it again", cause);
    }
}
