package org.bitscarp.model.internal.gguf;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TemporaryName;
import org.bitscarp.model.WriteFailure;

/**
 * A GGUF file, version 3, while it is written: the header at once, then bytes of tensors in any order. Under a temporary
 * name until {@link #finish}; closing without that leaves nothing behind.
 */
public final class GgufFileWriter implements AutoCloseable {
    private static final byte[] MAGIC = "GGUF".getBytes(StandardCharsets.US_ASCII);
    private static final int VERSION = 3;

    /** {@code GGUF_DEFAULT_ALIGNMENT}. */
    private static final long ALIGNMENT = 32;

    private static final int CHUNK = 1 << 28;

    /**
     * A tensor to come.
     *
     * @param shape outermost first
     */
    public record Tensor(String name, GgufTensorType type, List<Long> shape) {}

    private record Place(long offset, long bytes) {}

    private final Path target;
    private final Path temporary;
    private final boolean replace;
    private final FileChannel channel;
    private final Map<String, Place> places = new LinkedHashMap<>();
    private final long size;
    private long missing;
    private boolean finished;

    /**
     * @param replace whether a file of that name may be replaced
     * @throws ModelException where it may not, or where the disk has too little room
     */
    public GgufFileWriter(Path target, boolean replace, GgufKeys keys, List<Tensor> tensors) throws IOException {
        this.target = target.toAbsolutePath().normalize();
        this.replace = replace;
        if (!replace && Files.exists(this.target)) {
            throw new ModelException(target + ": exists already; name another file or give --force");
        }
        byte[] header = header(keys, tensors);
        size = place(header.length, tensors);
        long room = Files.getFileStore(existingParent()).getUsableSpace();
        if (room < size) {
            throw new ModelException(
                    target + ": the file takes " + size + " bytes, the disk has " + room + " left; make room");
        }
        temporary = TemporaryName.of(this.target);
        try {
            channel = FileChannel.open(
                    temporary,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw WriteFailure.of(target, e);
        }
        try {
            put(ByteBuffer.wrap(header), 0);
            // Padding behind the last tensor is part of the file.
            put(ByteBuffer.wrap(new byte[1]), size - 1);
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
    }

    private Path existingParent() throws ModelException {
        Path parent = target.getParent();
        if (parent == null || !Files.isDirectory(parent)) {
            throw new ModelException(target + ": the folder " + parent + " does not exist; create it");
        }
        return parent;
    }

    private static byte[] header(GgufKeys keys, List<Tensor> tensors) {
        GgufKeys.Output out = new GgufKeys.Output();
        out.bytes(MAGIC);
        out.u32(VERSION);
        out.u64(tensors.size());
        out.u64(keys.size());
        keys.encoded().forEach(out::bytes);
        long offset = 0;
        for (Tensor tensor : tensors) {
            out.string(tensor.name.getBytes(StandardCharsets.UTF_8));
            out.u32(tensor.shape.size());
            tensor.shape.reversed().forEach(out::u64);
            out.u32(tensor.type.id());
            out.u64(offset);
            offset += aligned(tensor.type.bytes(tensor.shape));
        }
        return out.toByteArray();
    }

    private long place(long headerBytes, List<Tensor> tensors) {
        long offset = aligned(headerBytes);
        for (Tensor tensor : tensors) {
            long bytes = tensor.type.bytes(tensor.shape);
            places.put(tensor.name, new Place(offset, bytes));
            offset += aligned(bytes);
            missing += bytes;
        }
        return offset;
    }

    /** Bytes of the whole file. */
    public static long size(GgufKeys keys, List<Tensor> tensors) {
        return aligned(header(keys, tensors).length)
                + tensors.stream()
                        .mapToLong(tensor -> aligned(tensor.type.bytes(tensor.shape)))
                        .sum();
    }

    /** Bytes that a tensor takes with its padding. */
    public static long aligned(long bytes) {
        return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
    }

    /** Size of the whole file. */
    public long size() {
        return size;
    }

    /** Writes bytes of a tensor from {@code offset} on; each byte once. */
    public synchronized void write(String tensor, long offset, MemorySegment bytes) throws IOException {
        Place place = places.get(tensor);
        if (offset < 0 || bytes.byteSize() > place.bytes - offset) {
            throw new IllegalArgumentException(
                    tensor + ": " + bytes.byteSize() + " bytes at " + offset + " of " + place.bytes);
        }
        for (long at = 0; at < bytes.byteSize(); at += CHUNK) {
            long n = Math.min(CHUNK, bytes.byteSize() - at);
            put(bytes.asSlice(at, n).asByteBuffer(), place.offset + offset + at);
        }
        missing -= bytes.byteSize();
    }

    private void put(ByteBuffer bytes, long position) throws IOException {
        try {
            for (long at = position; bytes.hasRemaining(); ) {
                at += channel.write(bytes, at);
            }
        } catch (IOException e) {
            throw WriteFailure.of(target, e);
        }
    }

    /** Moves the file into its place. */
    public void finish() throws IOException {
        if (missing != 0) {
            throw new IllegalStateException(target + ": " + missing + " bytes of tensors were not written");
        }
        channel.force(true);
        channel.close();
        if (!replace && Files.exists(target)) {
            throw new ModelException(target + ": exists already; name another file or give --force");
        }
        Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        finished = true;
    }

    @Override
    public void close() throws IOException {
        if (!finished) {
            channel.close();
            Files.deleteIfExists(temporary);
        }
    }
}
