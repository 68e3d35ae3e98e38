package org.bitscarp.eval.engine;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntFunction;
import org.bitscarp.eval.resume.DurableFile;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.transform.BasisChange;

/**
 * The packed matrices of all levels, kept from the pass over the layers for what needs whole models afterwards; in memory
 * or in a file that disappears with this object.
 */
final class PackedLevels implements AutoCloseable {
    private record Place(int level, int layer, TensorRole role) {}

    private final Arena arena = Arena.ofShared();
    private final SegmentAllocator memory;
    private final FileChannel file;
    /**
     * One matrix.
     *
     * @param change what its weights went through before they were packed
     */
    record Kept(PackedMatrix matrix, BasisChange change) {}

    private final Map<Place, List<Kept>> matrices = new ConcurrentHashMap<>();
    private long used;

    /**
     * @param bytes that all levels take together
     * @param budget bytes that may stay in memory
     * @param spillFolder where the file goes when they do not
     */
    PackedLevels(long bytes, long budget, Path spillFolder) throws IOException {
        if (bytes <= budget) {
            file = null;
            memory = arena;
            return;
        }
        long free = Files.getFileStore(spillFolder).getUsableSpace();
        if (free < bytes) {
            throw new IOException(
                    "quantized models of all levels take " + bytes + " bytes; the memory budget has " + budget + " and "
                            + spillFolder + " " + free + "; give more --memory, or --continuations 0 to do without");
        }
        file = FileChannel.open(
                Files.createTempFile(spillFolder, "bitscarp-packed-", ".bin"),
                StandardOpenOption.READ,
                StandardOpenOption.WRITE,
                StandardOpenOption.DELETE_ON_CLOSE);
        memory = this::map;
    }

    private MemorySegment map(long bytes, long alignment) {
        try {
            long at = (used + alignment - 1) / alignment * alignment;
            used = at + bytes;
            return file.map(FileChannel.MapMode.READ_WRITE, at, bytes, arena);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException("cannot keep quantized models in a file: " + e.getMessage(), e);
        }
    }

    /** Keeps each matrix, then hands it on. */
    PackedSink before(PackedSink next) {
        return packed -> {
            keep(packed.level(), packed.layer(), packed.role(), packed.matrix(), packed.change());
            next.packed(packed);
        };
    }

    /** Copies a matrix; those of one role come expert by expert. */
    synchronized void keep(int level, int layer, TensorRole role, PackedMatrix matrix, BasisChange change) {
        MemorySegment copy = memory.allocate(matrix.byteSize(), 64);
        MemorySegment.copy(matrix.bytes(), 0, copy, 0, matrix.byteSize());
        matrices.computeIfAbsent(new Place(level, layer, role), p -> new ArrayList<>())
                .add(new Kept(new PackedMatrix(matrix.format(), matrix.rows(), matrix.columns(), copy), change));
    }

    /** The matrices of a role, one per expert or a single one; empty where the level keeps the checkpoint's weights. */
    List<Kept> get(int level, int layer, TensorRole role) {
        return matrices.getOrDefault(new Place(level, layer, role), List.of());
    }

    /** Writes the matrices of layers {@code [from, to)}. */
    synchronized void write(DataOutputStream out, int from, int to) throws IOException {
        List<Place> places = matrices.keySet().stream()
                .filter(p -> p.layer >= from && p.layer < to)
                .sorted(Comparator.comparingInt(Place::level)
                        .thenComparingInt(Place::layer)
                        .thenComparing(Place::role))
                .toList();
        out.writeInt(places.size());
        for (Place place : places) {
            out.writeInt(place.level);
            out.writeInt(place.layer);
            out.writeUTF(place.role.name());
            List<Kept> kept = matrices.get(place);
            out.writeInt(kept.size());
            for (Kept one : kept) {
                BasisFormat.write(out, one.change());
                PackedMatrix matrix = one.matrix();
                out.writeInt(matrix.rows());
                out.writeInt(matrix.columns());
                DurableFile.writeSegment(out, matrix.bytes().asSlice(0, matrix.byteSize()));
            }
        }
    }

    /**
     * Takes over what {@link #write} wrote.
     *
     * @param allocations of the levels
     */
    synchronized void read(DataInputStream in, IntFunction<Allocation> allocations) throws IOException {
        int places = in.readInt();
        for (int p = 0; p < places; p++) {
            Place place = new Place(in.readInt(), in.readInt(), TensorRole.valueOf(in.readUTF()));
            int count = in.readInt();
            for (int i = 0; i < count; i++) {
                BasisChange change = BasisFormat.read(in);
                try (Arena scratch = Arena.ofConfined()) {
                    PackedMatrix matrix = PackedMatrix.allocate(
                            allocations.apply(place.level).format(place.role, place.layer),
                            in.readInt(),
                            in.readInt(),
                            scratch);
                    DurableFile.readSegment(in, matrix.bytes().asSlice(0, matrix.byteSize()));
                    keep(place.level, place.layer, place.role, matrix, change);
                }
            }
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
