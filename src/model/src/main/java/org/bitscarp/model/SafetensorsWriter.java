package org.bitscarp.model;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bitscarp.model.internal.SafetensorsText;
import org.bitscarp.quant.NumberFormat;

/**
 * Writes one safetensors file, tensor after tensor, without holding any of them. The bytes go to a temporary name in the
 * same folder that {@link #finish()} moves into place; closing without it leaves nothing behind.
 *
 * <p>Tensors are laid out widest type first, as the reference implementation does, so that every tensor is aligned to its
 * values; {@link #order()} tells the order of their bytes. Data comes in that order, or tensor by tensor in any other.
 */
public final class SafetensorsWriter implements AutoCloseable {
    private static final int CHUNK = 1 << 26;

    /** A tensor to be written: values of {@code type}, dimensions outermost first. */
    public record Tensor(String name, SafetensorsType type, List<Long> shape) {
        public Tensor {
            shape = List.copyOf(shape);
            if (shape.stream().anyMatch(d -> d < 0)) {
                throw new IllegalArgumentException("tensor " + name + ": negative dimension in " + shape);
            }
        }

        /** A tensor of plain numbers. */
        public Tensor(String name, NumberFormat format, List<Long> shape) {
            this(name, SafetensorsType.of(format), shape);
        }

        /**
         * The format of its numbers.
         *
         * @throws java.util.NoSuchElementException for types that are no weights, e.g. integers
         */
        public NumberFormat format() {
            return type.format().orElseThrow();
        }

        /** Bytes of the whole tensor. */
        public long byteSize() {
            return type.bytes(shape);
        }
    }

    /** Where the next byte of a tensor goes, in the file. */
    private static final class Progress {
        private final long begin;
        private final long end;
        private long next;

        Progress(long begin, long end) {
            this.begin = begin;
            next = begin;
            this.end = end;
        }
    }

    private final Path target;
    private final Path temporary;
    private final List<Tensor> order;
    private final Map<String, Progress> progress = new LinkedHashMap<>();
    private final FileChannel channel;
    private final long expected;
    private long written;
    private boolean finished;

    /**
     * Begins a file.
     *
     * @param metadata strings for the header's {@code __metadata__}, e.g. {@code format → pt}
     */
    public SafetensorsWriter(Path target, List<Tensor> tensors, Map<String, String> metadata) throws IOException {
        Set<String> names = new HashSet<>();
        for (Tensor tensor : tensors) {
            if (tensor.name().equals("__metadata__") || !names.add(tensor.name())) {
                throw new IllegalArgumentException("tensor name " + tensor.name() + " is reserved or used twice");
            }
        }
        this.target = target;
        this.order = tensors.stream()
                .sorted((a, b) -> Integer.compare(b.type().bits(), a.type().bits()))
                .toList();
        this.expected = order.stream().mapToLong(Tensor::byteSize).reduce(0, Math::addExact);
        byte[] header = SafetensorsText.header(order, metadata).getBytes(StandardCharsets.UTF_8);
        long begin = 8 + header.length;
        for (Tensor tensor : order) {
            long end = begin + tensor.byteSize();
            progress.put(tensor.name(), new Progress(begin, end));
            begin = end;
        }
        this.temporary = TemporaryName.of(target);
        try {
            this.channel = FileChannel.open(
                    temporary,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw WriteFailure.of(target, e);
        }
        try {
            writeFully(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, header.length), 0);
            writeFully(ByteBuffer.wrap(header), 8);
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    /** The tensors in the order of their bytes. */
    public List<Tensor> order() {
        return order;
    }

    /**
     * Writes the next bytes: the tensors of {@link #order()} without gaps, in pieces of any size.
     *
     * @throws IllegalArgumentException for more bytes than the tensors have
     */
    public void write(MemorySegment bytes) throws IOException {
        checkRoom(bytes.byteSize(), expected - written, expected);
        long at = 0;
        for (Progress tensor : progress.values()) {
            long n = Math.min(tensor.end - tensor.next, bytes.byteSize() - at);
            write(tensor, bytes.asSlice(at, n));
            at += n;
        }
    }

    /**
     * Writes the next bytes of one tensor, whatever was written of the others.
     *
     * @throws IllegalArgumentException for a tensor that the file does not have, or more bytes than it has
     */
    public void write(String name, MemorySegment bytes) throws IOException {
        Progress tensor = progress.get(name);
        if (tensor == null) {
            throw new IllegalArgumentException(target + ": has no tensor " + name);
        }
        checkRoom(bytes.byteSize(), tensor.end - tensor.next, tensor.end - tensor.begin);
        write(tensor, bytes);
    }

    private void checkRoom(long more, long missing, long of) {
        if (more > missing) {
            throw new IllegalArgumentException(
                    target + ": " + more + " bytes more, but only " + missing + " of " + of + " are missing");
        }
    }

    private void write(Progress tensor, MemorySegment bytes) throws IOException {
        for (long at = 0; at < bytes.byteSize(); at += CHUNK) {
            long n = Math.min(CHUNK, bytes.byteSize() - at);
            writeFully(bytes.asSlice(at, n).asByteBuffer(), tensor.next);
            tensor.next += n;
            written += n;
        }
    }

    private void writeFully(ByteBuffer buffer, long position) throws IOException {
        try {
            while (buffer.hasRemaining()) {
                position += channel.write(buffer, position);
            }
        } catch (IOException e) {
            throw WriteFailure.of(target, e);
        }
    }

    /**
     * Completes the file and moves it into place.
     *
     * @throws IllegalStateException where bytes are missing
     */
    public void finish() throws IOException {
        if (written != expected) {
            throw new IllegalStateException(
                    target + ": " + written + " bytes were written, its tensors have " + expected);
        }
        channel.force(true);
        channel.close();
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
