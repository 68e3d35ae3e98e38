package org.bitscarp.model;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.io.TempDir;

/**
 * Opens thousands of damaged files: each either opens and can be read from end to end, or is a {@link ModelException} whose
 * message is one line that names a file. Anything else (another exception, an error, a hang) fails with the seed.
 */
public abstract class DamagedFiles {
    private static final Duration NO_HANG = Duration.ofMinutes(5);
    private static final long SEED = 20261123;

    /** Allowed between two collections of a file of some kilobytes; a header that is believed asks for far more. */
    private static final long MAX_ALLOCATED = 64L << 20;

    private static final String TEXT = "The the<special>  12345 é 日本\n\t🚀" + "a".repeat(100) + " ".repeat(100);

    @TempDir
    protected Path folder;

    /** Whether to use the tokenizer, too. */
    protected boolean tokenizes;

    /** Variants that opened and could be read. */
    protected int opened;

    private int refused;

    /** Writes a variant of a file for a seed, and returns what to open. */
    protected interface Variant {
        Path write(SplittableRandom random) throws IOException;
    }

    protected void survives(int count, Variant variant) {
        assertTimeoutPreemptively(NO_HANG, () -> {
            com.sun.management.ThreadMXBean threads =
                    (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
            for (int i = 0; i < count; i++) {
                long seed = SEED + i;
                Path path = variant.write(new SplittableRandom(seed));
                long before = threads.getCurrentThreadAllocatedBytes();
                try (Checkpoint checkpoint = Checkpoints.open(path)) {
                    readAll(checkpoint);
                    if (tokenizes) {
                        tokenize(checkpoint);
                    }
                    opened++;
                } catch (ModelException e) {
                    refused++;
                    assertFalse(e.getMessage().lines().count() != 1, () -> "seed " + seed + ": " + e.getMessage());
                    assertTrue(
                            e.getMessage().contains(folder.toString()), () -> "seed " + seed + ": " + e.getMessage());
                } catch (Exception | StackOverflowError | OutOfMemoryError e) {
                    throw new AssertionError("seed " + seed + ": " + e, e);
                }
                long allocated = threads.getCurrentThreadAllocatedBytes() - before;
                assertTrue(allocated < MAX_ALLOCATED, () -> "seed " + seed + " allocated " + allocated + " bytes");
            }
        });
        assertTrue(refused > count / 10, "the damage does damage: " + refused + " of " + count);
    }

    /**
     * Damages what stands before the data of a GGUF file.
     *
     * @param header bytes of it
     */
    protected void survivesGguf(int count, Path file, byte[] original, int header) {
        byte[] data = Arrays.copyOfRange(original, header, original.length);
        survives(count, random -> {
            byte[] front = Arrays.copyOf(original, header);
            if (random.nextInt(3) == 0) {
                front = Mutations.bytes(front, random);
            } else {
                // Counts, lengths, types and offsets are 4 or 8 bytes, anywhere.
                long[] values = {0, 1, 255, 1L << 31, 1L << 32, 1L << 60, Long.MAX_VALUE, Long.MIN_VALUE, -1, 7};
                long value = values[random.nextInt(values.length)];
                ByteBuffer buffer = ByteBuffer.wrap(front).order(ByteOrder.LITTLE_ENDIAN);
                if (random.nextBoolean()) {
                    buffer.putInt(random.nextInt(header - 4), (int) value);
                } else {
                    buffer.putLong(random.nextInt(header - 8), value);
                }
            }
            return Files.write(file, concat(front, data));
        });
    }

    private static void readAll(Checkpoint checkpoint) throws IOException {
        checkpoint.parameters();
        try (Arena arena = Arena.ofConfined()) {
            for (TensorInfo tensor : checkpoint.tensors()) {
                assertTrue(checkpoint.map(tensor, 0, tensor.rows(), arena).byteSize() == tensor.byteSize());
            }
            for (Weight weight : checkpoint.weights()) {
                MemorySegment row = arena.allocate(4 * weight.columns(), 4);
                if (weight.rows() > 0) {
                    weight.read(0, 1, row, 0);
                    weight.read(weight.rows() - 1, 1, row, 0);
                }
            }
        }
    }

    private static void tokenize(Checkpoint checkpoint) throws IOException {
        try (Tokenizer tokenizer = checkpoint.tokenizer()) {
            tokenizer.decode(tokenizer.encode(TEXT, true));
        }
    }

    /** A safetensors file, to be damaged where it matters. */
    protected static final class Safetensors {
        private final byte[] front;
        private final String header;
        private final byte[] data;

        public Safetensors(byte[] file) {
            int length =
                    (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
            front = Arrays.copyOf(file, 8 + length);
            header = new String(file, 8, length, StandardCharsets.UTF_8);
            data = Arrays.copyOfRange(file, 8 + length, file.length);
        }

        /** Flips and cuts in the length and the header, as bytes or as JSON. */
        public byte[] damaged(SplittableRandom random) {
            if (random.nextInt(3) == 0) {
                return concat(Mutations.bytes(front, random), data);
            }
            byte[] changed = Mutations.json(header, random).getBytes(StandardCharsets.UTF_8);
            byte[] length = ByteBuffer.allocate(8)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(0, changed.length)
                    .array();
            return concat(length, concat(changed, data));
        }
    }

    protected static byte[] concat(byte[] a, byte[] b) {
        byte[] both = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, both, a.length, b.length);
        return both;
    }
}
