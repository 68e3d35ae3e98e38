package org.bitscarp.datasets.internal;

import dev.hardwood.HardwoodContext;
import dev.hardwood.InputFile;
import dev.hardwood.metadata.ColumnChunk;
import dev.hardwood.metadata.ColumnMetaData;
import dev.hardwood.metadata.PhysicalType;
import dev.hardwood.metadata.RowGroup;
import dev.hardwood.reader.ColumnReader;
import dev.hardwood.reader.ParquetFileReader;
import dev.hardwood.schema.ColumnSchema;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.bitscarp.datasets.TextException;

/**
 * A string column of a Parquet file, decoded by the Hardwood library.
 *
 * <p>Its pipeline can loop for ever or die silently on some damaged files, so sizes in the footer are checked against
 * the file first, and batches are handed over by a thread that is given up when it makes no progress.
 */
final class ParquetText {
    /** Row groups of published data sets hold some hundred megabytes at most. */
    private static final long MAX_CHUNK = 1L << 30;

    /** A batch of rows takes milliseconds. */
    private static final long STALL_SECONDS = 60;

    /** Held, or the logging system forgets the level. It says on stderr which decompressors it found. */
    private static final Logger LOG = Logger.getLogger("dev.hardwood");

    static {
        LOG.setLevel(Level.OFF);
    }

    /** Rows, the end (null rows and no failure), or what went wrong. */
    private record Batch(String[] rows, int count, Throwable failure) {}

    private ParquetText() {}

    static void read(Path file, Rows rows) throws IOException {
        BlockingQueue<Batch> batches = new ArrayBlockingQueue<>(4);
        Thread reader = Thread.ofPlatform().daemon().name("parquet").start(() -> pump(file, batches));
        try {
            while (rows.wanted()) {
                Batch batch = batches.poll(STALL_SECONDS, TimeUnit.SECONDS);
                if (batch == null) {
                    throw damaged(file, "its pages cannot be followed", null);
                }
                if (batch.failure() != null) {
                    throw explain(file, batch.failure());
                }
                if (batch.rows() == null) {
                    return;
                }
                for (int i = 0; i < batch.count() && rows.wanted(); i++) {
                    rows.add(batch.rows()[i]);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        } finally {
            reader.interrupt();
        }
    }

    private static void pump(Path file, BlockingQueue<Batch> batches) {
        try {
            Batch last = new Batch(null, 0, null);
            try (HardwoodContext context = HardwoodContext.create(1);
                    ParquetFileReader parquet = ParquetFileReader.open(InputFile.of(file), context)) {
                String column = column(file, parquet.getFileSchema().getColumns());
                check(file, column, parquet.getFileMetaData().rowGroups());
                try (ColumnReader reader = parquet.columnReader(column)) {
                    while (reader.nextBatch()) {
                        batches.put(new Batch(reader.getStrings(), reader.getRecordCount(), null));
                    }
                }
            } catch (InterruptedException e) {
                throw e;
            } catch (Throwable e) {
                // Errors too: the reader must hear of them, or it would wait.
                last = new Batch(null, 0, e);
            }
            batches.put(last);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static String column(Path file, List<ColumnSchema> columns) throws TextException {
        for (String wanted : Rows.COLUMNS) {
            for (ColumnSchema column : columns) {
                boolean flat = column.fieldPath().elements().size() == 1 && column.maxRepetitionLevel() == 0;
                if (flat && column.name().equals(wanted) && column.type() == PhysicalType.BYTE_ARRAY) {
                    return wanted;
                }
            }
        }
        throw new TextException(file + ": has no column of strings named any of " + Rows.COLUMNS + ", only "
                + columns.stream().limit(20).map(c -> c.fieldPath().toString()).toList());
    }

    private static void check(Path file, String column, List<RowGroup> groups) throws IOException {
        long size = Files.size(file);
        for (RowGroup group : groups) {
            for (ColumnChunk chunk : group.columns()) {
                ColumnMetaData data = chunk.metaData();
                if (data == null) {
                    throw damaged(file, "a column has no metadata", null);
                }
                if (!List.of(column).equals(data.pathInSchema().elements())) {
                    continue;
                }
                long start = chunk.chunkStartOffset();
                long length = data.totalCompressedSize();
                boolean inside = start >= 4 && length >= 0 && length <= size && start <= size - length;
                boolean ordered = data.dataPageOffset() >= start && data.dataPageOffset() - start <= length;
                boolean sane = data.totalUncompressedSize() >= 0
                        && data.totalUncompressedSize() <= MAX_CHUNK
                        && data.numValues() == group.numRows()
                        && (length > 0 || data.numValues() == 0);
                if (!inside || !ordered || !sane) {
                    throw damaged(
                            file,
                            "the column chunk of " + length + " bytes at " + start + " with " + data.numValues()
                                    + " values for " + group.numRows() + " rows does not fit " + size
                                    + " bytes of file, or unpacks to more than " + MAX_CHUNK + " bytes",
                            null);
                }
            }
        }
    }

    private static IOException explain(Path file, Throwable e) {
        return switch (e) {
            case TextException f -> f;
            case OutOfMemoryError f ->
                damaged(file, "it does not fit the Java heap (BITSCARP_JAVA_OPTIONS=-Xmx4g gives more)", f);
            case UnsupportedOperationException f -> new TextException(file + ": " + firstLine(f), f);
            default -> damaged(file, firstLine(e), e);
        };
    }

    private static String firstLine(Throwable e) {
        return e.getMessage() == null
                ? e.getClass().getSimpleName()
                : e.getMessage().lines().findFirst().orElse("");
    }

    private static TextException damaged(Path file, String why, Throwable cause) {
        return new TextException(file + " is no Parquet file that can be read: " + why + "; get it again", cause);
    }
}
