package org.bitscarp.eval.engine;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.eval.resume.DurableFile;

/**
 * The residual stream of every level between two layers: {@code levels × rows × hidden} floats, in memory as far as the
 * budget goes, the remaining levels in a file that disappears with this object.
 *
 * <p>Different units may be read and written at the same time.
 */
final class HiddenStates implements AutoCloseable {
    /** Bytes that go at a time between two files. */
    private static final long PIECE = 1 << 22;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment[] memory;
    private final FileChannel file;
    private final long levelBytes;
    private final long rowBytes;
    private final int inMemory;
    private final int levels;

    /**
     * @param budget bytes that may stay in memory
     * @param spillFolder where the file for the rest goes
     */
    HiddenStates(int levels, int rows, int hidden, long budget, Path spillFolder) throws IOException {
        this.levels = levels;
        rowBytes = 4L * hidden;
        levelBytes = rowBytes * rows;
        inMemory = (int) Math.min(levels, Math.max(0, budget) / Math.max(1, levelBytes));
        memory = new MemorySegment[inMemory];
        for (int level = 0; level < inMemory; level++) {
            memory[level] = arena.allocate(levelBytes, 64);
        }
        file = inMemory == levels ? null : open(spillFolder, levels - inMemory);
    }

    private FileChannel open(Path folder, int levels) throws IOException {
        Path path;
        try {
            Files.createDirectories(folder);
            long free = Files.getFileStore(folder).getUsableSpace();
            if (free < levels * levelBytes) {
                throw new IOException(levels * levelBytes + " bytes are needed, " + free + " are free");
            }
            path = Files.createTempFile(folder, "bitscarp-hidden-", ".bin");
        } catch (IOException e) {
            throw new IOException(
                    "cannot keep hidden states in " + folder + ": " + e.getMessage()
                            + "; give another folder with -Djava.io.tmpdir, more --memory, or fewer --levels",
                    e);
        }
        return FileChannel.open(
                path, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE);
    }

    /** Whether some levels are kept in a file. */
    boolean spilled() {
        return file != null;
    }

    /** Copies {@code rows} rows from {@code firstRow} on into {@code target}. */
    void read(int level, int firstRow, int rows, MemorySegment target) throws IOException {
        long bytes = rows * rowBytes;
        if (level < inMemory) {
            MemorySegment.copy(memory[level], firstRow * rowBytes, target, 0, bytes);
        } else {
            transfer(level, firstRow, target.asSlice(0, bytes), true);
        }
    }

    /** Copies {@code rows} rows from {@code source} to {@code firstRow} on. */
    void write(int level, int firstRow, int rows, MemorySegment source) throws IOException {
        long bytes = rows * rowBytes;
        if (level < inMemory) {
            MemorySegment.copy(source, 0, memory[level], firstRow * rowBytes, bytes);
        } else {
            transfer(level, firstRow, source.asSlice(0, bytes), false);
        }
    }

    /** Rows from {@code firstRow} on into a tensor, with one copy where they are in memory; {@code scratch} is for others. */
    void load(int level, int firstRow, Backend backend, Tensor target, MemorySegment scratch) throws IOException {
        if (level < inMemory) {
            backend.upload(slice(level, firstRow, target.rows()), target);
        } else {
            read(level, firstRow, target.rows(), scratch);
            backend.upload(scratch, target);
        }
    }

    /** A tensor's rows to {@code firstRow} on, like {@link #load}. */
    void store(int level, int firstRow, Backend backend, Tensor source, MemorySegment scratch) throws IOException {
        if (level < inMemory) {
            backend.download(source, slice(level, firstRow, source.rows()));
        } else {
            backend.download(source, scratch);
            write(level, firstRow, source.rows(), scratch);
        }
    }

    /** Writes the states of all levels. */
    void write(DataOutputStream out) throws IOException {
        transferAll(segment -> DurableFile.writeSegment(out, segment), true);
    }

    /** Takes over what {@link #write} wrote. */
    void read(DataInputStream in) throws IOException {
        transferAll(segment -> DurableFile.readSegment(in, segment), false);
    }

    /** Bytes of the states of all levels. */
    long bytes() {
        return levels * levelBytes;
    }

    private interface Piece {
        void pass(MemorySegment segment) throws IOException;
    }

    private void transferAll(Piece piece, boolean outward) throws IOException {
        for (MemorySegment level : memory) {
            piece.pass(level);
        }
        try (Arena scratch = Arena.ofConfined()) {
            MemorySegment buffer = scratch.allocate(Math.min(levelBytes, PIECE), 64);
            for (int level = inMemory; level < levels; level++) {
                for (long at = 0; at < levelBytes; at += PIECE) {
                    MemorySegment part = buffer.asSlice(0, Math.min(PIECE, levelBytes - at));
                    if (outward) {
                        transferAt(level, at, part, true);
                    }
                    piece.pass(part);
                    if (!outward) {
                        transferAt(level, at, part, false);
                    }
                }
            }
        }
    }

    private MemorySegment slice(int level, int firstRow, int rows) {
        return memory[level].asSlice(firstRow * rowBytes, rows * rowBytes);
    }

    private void transfer(int level, int firstRow, MemorySegment segment, boolean reading) throws IOException {
        transferAt(level, firstRow * rowBytes, segment, reading);
    }

    private void transferAt(int level, long offset, MemorySegment segment, boolean reading) throws IOException {
        long position = (level - inMemory) * levelBytes + offset;
        for (long done = 0; done < segment.byteSize(); ) {
            long piece = Math.min(segment.byteSize() - done, 1 << 30);
            ByteBuffer buffer = segment.asSlice(done, piece).asByteBuffer();
            int n = reading ? file.read(buffer, position + done) : file.write(buffer, position + done);
            if (n < 0) {
                throw new IOException("the file of hidden states ended early");
            }
            done += n;
        }
    }

    @Override
    public void close() throws IOException {
        arena.close();
        if (file != null) {
            file.close();
        }
    }
}
