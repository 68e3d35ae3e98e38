package org.bitscarp.eval.resume;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UTFDataFormatException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;
import org.bitscarp.model.WriteFailure;

/**
 * A file that is either whole or not there: written under another name, forced to the device, moved into place. It begins
 * with a magic word and the fingerprint of its sweep and ends with a CRC-32C (RFC 3720) of everything before.
 */
public final class DurableFile {
    private static final byte[] MAGIC = "bitscarp.state/2\n".getBytes(US_ASCII);
    private static final int BUFFER = 1 << 20;
    private static final int CHECKSUM = Long.BYTES;

    private DurableFile() {}

    static void write(Path file, Fingerprint fingerprint, SweepFolder.Body body, SweepFolder.Steps steps)
            throws IOException {
        Path temporary = file.resolveSibling(file.getFileName() + ".tmp");
        try {
            steps.at("create " + file.getFileName());
            try (FileChannel channel = FileChannel.open(
                    temporary,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.WRITE)) {
                CRC32C checksum = new CRC32C();
                OutputStream buffered = new BufferedOutputStream(Channels.newOutputStream(channel), BUFFER);
                DataOutputStream out = new DataOutputStream(new CheckedOutputStream(buffered, checksum));
                out.write(MAGIC);
                fingerprint.write(out);
                body.write(out);
                steps.at("checksum " + file.getFileName());
                out.writeLong(checksum.getValue());
                out.flush();
                steps.at("force " + file.getFileName());
                channel.force(true);
            }
            steps.at("move " + file.getFileName());
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            forceFolder(file.getParent());
            steps.at("moved " + file.getFileName());
        } catch (IOException e) {
            discard(temporary, e);
            throw explained(file, e);
        }
    }

    /** The name that a file has got is durable only once its folder is. */
    private static void forceFolder(Path folder) throws IOException {
        if (folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
                channel.force(true);
            }
        }
    }

    private static void discard(Path temporary, IOException cause) {
        try {
            Files.deleteIfExists(temporary);
        } catch (IOException e) {
            cause.addSuppressed(e);
        }
    }

    private static IOException explained(Path file, IOException cause) {
        return new IOException(
                "cannot keep the sweep's state in " + file + ": " + WriteFailure.reason(cause)
                        + "; what was kept before is whole, and the same command goes on from there once this is mended",
                cause);
    }

    /**
     * Reads a file whose checksum is right.
     *
     * @throws IOException naming the file when it was damaged
     */
    static <T> T read(Path file, SweepFolder.Reader<T> reader) throws IOException {
        check(file);
        return open(file, reader);
    }

    /** Reads no more than the beginning, and so no checksum. */
    static Fingerprint fingerprint(Path file) throws IOException {
        return open(file, (fingerprint, in) -> fingerprint);
    }

    private static <T> T open(Path file, SweepFolder.Reader<T> reader) throws IOException {
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(file), BUFFER))) {
            if (!Arrays.equals(in.readNBytes(MAGIC.length), MAGIC)) {
                throw damaged(file, null);
            }
            return reader.read(Fingerprint.read(in), in);
        } catch (EOFException | UTFDataFormatException e) {
            throw damaged(file, e);
        }
    }

    private static void check(Path file) throws IOException {
        long body = Files.size(file) - CHECKSUM;
        CRC32C checksum = new CRC32C();
        try (InputStream raw = Files.newInputStream(file)) {
            byte[] magic = raw.readNBytes(MAGIC.length);
            checksum.update(magic);
            if (body < MAGIC.length || !Arrays.equals(magic, MAGIC)) {
                throw damaged(file, null);
            }
            InputStream checked = new CheckedInputStream(raw, checksum);
            byte[] buffer = new byte[BUFFER];
            for (long left = body - MAGIC.length; left > 0; ) {
                int n = checked.read(buffer, 0, (int) Math.min(left, buffer.length));
                if (n < 0) {
                    throw damaged(file, null);
                }
                left -= n;
            }
            if (new DataInputStream(raw).readLong() != checksum.getValue()) {
                throw damaged(file, null);
            }
        }
    }

    private static IOException damaged(Path file, Throwable cause) {
        return new IOException(
                file
                        + " is damaged: its checksum is wrong, or another version wrote it; delete it or begin afresh with --fresh",
                cause);
    }

    /** Writes native memory through a small buffer. */
    public static void writeSegment(DataOutputStream out, MemorySegment segment) throws IOException {
        byte[] buffer = new byte[(int) Math.min(BUFFER, segment.byteSize())];
        for (long at = 0; at < segment.byteSize(); ) {
            int n = (int) Math.min(buffer.length, segment.byteSize() - at);
            MemorySegment.copy(segment, at, MemorySegment.ofArray(buffer), 0, n);
            out.write(buffer, 0, n);
            at += n;
        }
    }

    /** Reads what {@link #writeSegment} wrote. */
    public static void readSegment(DataInputStream in, MemorySegment segment) throws IOException {
        byte[] buffer = new byte[(int) Math.min(BUFFER, segment.byteSize())];
        for (long at = 0; at < segment.byteSize(); ) {
            int n = (int) Math.min(buffer.length, segment.byteSize() - at);
            in.readFully(buffer, 0, n);
            MemorySegment.copy(MemorySegment.ofArray(buffer), 0, segment, at, n);
            at += n;
        }
    }
}
