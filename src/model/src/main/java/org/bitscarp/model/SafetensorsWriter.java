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
 * values; {@link #order()} tells the order in which the data is to be written.
 */
public final class SafetensorsWriter implements AutoCloseable {
    private static final int CHUNK = 1 << 26;

    /** A tensor to be written: values of {@code format}, dimensions outermost first. */
    public record Tensor(String name, NumberFormat format, List<Long> shape) {
        public Tensor {
            shape = List.copyOf(shape);
            if (shape.stream().anyMatch(d -> d < 0)) {
                throw new IllegalArgumentException("tensor " + name + ": negative dimension in " + shape);
            }
        }

        /** Bytes of the whole tensor. */
        public long byteSize() {
            return shape.stream().reduce((long) format.bytes(), Math::multiplyExact);
        }
    }

    private final Path target;
    private final Path temporary;
    private final List<Tensor> order;
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
                .sorted((a, b) -> Integer.compare(b.format().bytes(), a.format().bytes()))
                .toList();
        this.expected = order.stream().mapToLong(Tensor::byteSize).reduce(0, Math::addExact);
        byte[] header = SafetensorsText.header(order, metadata).getBytes(StandardCharsets.UTF_8);
        this.temporary = target.resolveSibling(
                "." + target.getFileName() + "." + ProcessHandle.current().pid() + ".tmp");
        this.channel = FileChannel.open(
                temporary, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE);
        try {
            writeFully(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, header.length));
            writeFully(ByteBuffer.wrap(header));
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
        if (bytes.byteSize() > expected - written) {
            throw new IllegalArgumentException(target + ": " + bytes.byteSize() + " bytes more, but only "
                    + (expected - written) + " of " + expected + " are missing");
        }
        for (long at = 0; at < bytes.byteSize(); at += CHUNK) {
            writeFully(bytes.asSlice(at, Math.min(CHUNK, bytes.byteSize() - at)).asByteBuffer());
        }
        written += bytes.byteSize();
    }

    private void writeFully(ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            channel.write(buffer);
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
