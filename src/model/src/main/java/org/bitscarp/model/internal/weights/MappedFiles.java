package org.bitscarp.model.internal.weights;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TensorInfo;

/** The open files of a checkpoint. They stay open, so that what was checked is what is mapped. */
public final class MappedFiles implements AutoCloseable {
    private final Map<Path, FileChannel> channels = new LinkedHashMap<>();
    private final AtomicLong bytesMapped = new AtomicLong();

    /** Opens a file, to be closed with the others. Not to be called once weights are read. */
    public FileChannel open(Path file) throws IOException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
        channels.put(file, channel);
        return channel;
    }

    /**
     * Maps bytes {@code [firstByte, firstByte + length)} of a tensor.
     *
     * @throws ModelException where the file has become shorter since it was opened
     */
    public MemorySegment map(TensorInfo tensor, long firstByte, long length, Arena arena) throws IOException {
        return map(tensor.file(), tensor.name(), tensor.offset() + firstByte, length, arena);
    }

    /**
     * Maps bytes of a file.
     *
     * @param tensor to which they belong, for messages
     * @param offset first byte in the file
     * @throws ModelException where the file has become shorter since it was opened
     */
    public MemorySegment map(Path file, String tensor, long offset, long length, Arena arena) throws IOException {
        FileChannel channel = channels.get(file);
        if (channel == null) {
            throw new IllegalArgumentException("tensor " + tensor + " belongs to another checkpoint");
        }
        if (offset < 0 || offset + length > channel.size()) {
            throw new ModelException(file + ": tensor " + tensor + " ends at byte " + (offset + length)
                    + ", the file now has " + channel.size() + ": it was changed while in use; start again");
        }
        if (length == 0) {
            return MemorySegment.ofArray(new byte[0]);
        }
        bytesMapped.addAndGet(length);
        return channel.map(FileChannel.MapMode.READ_ONLY, offset, length, arena);
    }

    /** Bytes mapped so far. */
    public long bytesMapped() {
        return bytesMapped.get();
    }

    @Override
    public void close() {
        IOException failure = null;
        for (FileChannel channel : channels.values()) {
            try {
                channel.close();
            } catch (IOException e) {
                failure = e;
            }
        }
        if (failure != null) {
            throw new UncheckedIOException(failure);
        }
    }
}
