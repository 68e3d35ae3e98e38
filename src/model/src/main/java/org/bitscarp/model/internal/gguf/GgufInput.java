package org.bitscarp.model.internal.gguf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.security.MessageDigest;
import org.bitscarp.model.ModelException;

/**
 * Little-endian values from a range of a file. Whatever a length or a count claims is checked against what is left of the
 * range before anything of that size is allocated.
 */
final class GgufInput {
    private static final int BUFFER_BYTES = 1 << 16;

    private final Path file;
    private final FileChannel channel;
    private final long end;
    private final ByteBuffer buffer;
    private long bufferStart;

    /** Reads bytes {@code [position, end)} of the file. */
    GgufInput(Path file, FileChannel channel, long position, long end) {
        this.file = file;
        this.channel = channel;
        this.end = end;
        this.bufferStart = position;
        this.buffer = ByteBuffer.allocate((int) Math.clamp(end - position, 8, BUFFER_BYTES))
                .order(ByteOrder.LITTLE_ENDIAN)
                .limit(0);
    }

    Path file() {
        return file;
    }

    /** Where the next byte lies in the file. */
    long position() {
        return bufferStart + buffer.position();
    }

    long remaining() {
        return end - position();
    }

    /**
     * Makes sure that {@code bytes} more can be read.
     *
     * @param bytes as an unsigned number
     * @param what names it in the message
     */
    void require(long bytes, String what) throws ModelException {
        if (Long.compareUnsigned(bytes, remaining()) > 0) {
            throw new ModelException(file + ": " + what + " needs " + Long.toUnsignedString(bytes) + " bytes at byte "
                    + position() + " of the header, " + remaining()
                    + " are left (an incomplete download, or a damaged file)");
        }
    }

    int u8(String what) throws IOException {
        fill(1, what);
        return buffer.get() & 0xFF;
    }

    int u16(String what) throws IOException {
        fill(2, what);
        return buffer.getShort() & 0xFFFF;
    }

    int i32(String what) throws IOException {
        fill(4, what);
        return buffer.getInt();
    }

    long i64(String what) throws IOException {
        fill(8, what);
        return buffer.getLong();
    }

    private void fill(int bytes, String what) throws IOException {
        if (buffer.remaining() >= bytes) {
            return;
        }
        require(bytes, what);
        bufferStart += buffer.position();
        buffer.compact();
        buffer.limit((int) Math.min(buffer.capacity(), end - bufferStart));
        while (buffer.position() < bytes) {
            if (channel.read(buffer, bufferStart + buffer.position()) < 0) {
                throw new ModelException(file + ": ends inside " + what + ": it was changed while in use; start again");
            }
        }
        buffer.flip();
    }

    void skip(long bytes, String what) throws ModelException {
        require(bytes, what);
        if (bytes <= buffer.remaining()) {
            buffer.position(buffer.position() + (int) bytes);
        } else {
            bufferStart = position() + bytes;
            buffer.position(0).limit(0);
        }
    }

    /** A string's length, checked against a limit and what is left. */
    private int length(String what, int max) throws IOException {
        long length = i64(what);
        if (Long.compareUnsigned(length, max) > 0) {
            throw new ModelException(file + ": " + what + " has " + Long.toUnsignedString(length)
                    + " bytes; expected at most " + max + " (a damaged file)");
        }
        require(length, what);
        return (int) length;
    }

    /** A string: 64-bit length, then bytes that should be UTF-8. */
    byte[] string(String what, int max) throws IOException {
        byte[] bytes = new byte[length(what, max)];
        read(bytes, what);
        return bytes;
    }

    /** The next bytes. */
    byte[] bytes(int count, String what) throws IOException {
        require(count, what);
        byte[] bytes = new byte[count];
        read(bytes, what);
        return bytes;
    }

    /** Everything that is left. */
    byte[] rest(String what) throws IOException {
        return bytes(Math.toIntExact(remaining()), what);
    }

    private void read(byte[] bytes, String what) throws IOException {
        for (int at = 0; at < bytes.length; ) {
            if (!buffer.hasRemaining()) {
                fill(1, what);
            }
            int count = Math.min(buffer.remaining(), bytes.length - at);
            buffer.get(bytes, at, count);
            at += count;
        }
    }

    void skipString(String what) throws IOException {
        skip(i64(what), what);
    }

    /** Feeds everything that is left to a digest. */
    void digest(MessageDigest digest, String what) throws IOException {
        while (remaining() > 0) {
            if (!buffer.hasRemaining()) {
                fill(1, what);
            }
            digest.update(buffer);
        }
    }
}
