package org.bitscarp.model.internal.gguf;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bitscarp.model.ModelException;

/**
 * What stands before the data of a GGUF file: magic, version, counts, key-value pairs, tensor infos. Offsets of tensors
 * count from the first multiple of {@code general.alignment} after the infos.
 */
final class GgufHeader {
    /** "GGUF", read as a little-endian integer. */
    static final int MAGIC = 0x46554747;

    private static final int VERSION = 3;

    /** Vocabularies of 260,000 tokens with merges take 15 MB. */
    private static final long MAX_HEADER_BYTES = 256L << 20;

    /** More tensors than any published model by a factor of a hundred; bounds the list. */
    private static final int MAX_TENSORS = 500_000;

    private static final int MAX_DIMENSIONS = 4;
    private static final String ALIGNMENT_KEY = "general.alignment";
    private static final int DEFAULT_ALIGNMENT = 32;
    private static final int MAX_ALIGNMENT = 1 << 24;

    /**
     * One tensor.
     *
     * @param shape outermost first, which is the reverse of the order in the file
     * @param offset first byte, counted from the start of the file
     */
    record Tensor(String name, GgufTensorType type, List<Long> shape, long offset, long bytes) {}

    private final Path file;
    private final long fileSize;
    private final GgufMetadata metadata;
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();

    private GgufHeader(Path file, FileChannel channel) throws IOException {
        this.file = file;
        this.fileSize = channel.size();
        GgufInput in = new GgufInput(file, channel, 0, Math.min(fileSize, MAX_HEADER_BYTES));
        checkVersion(in);
        long tensorCount = in.i64("the number of tensors");
        long keyCount = in.i64("the number of metadata keys");
        if (Long.compareUnsigned(tensorCount, MAX_TENSORS) > 0) {
            throw new ModelException(file + ": " + Long.toUnsignedString(tensorCount) + " tensors; expected at most "
                    + MAX_TENSORS + " (a damaged file)");
        }
        this.metadata = new GgufMetadata(channel, in, keyCount);
        long alignment = alignment();
        List<Tensor> relative = new ArrayList<>();
        for (int i = 0; i < tensorCount; i++) {
            relative.add(tensor(in, i, alignment));
        }
        long dataStart = Math.ceilDiv(in.position(), alignment) * alignment;
        for (Tensor tensor : relative) {
            place(tensor, dataStart);
        }
        checkOverlaps();
    }

    static GgufHeader read(Path file, FileChannel channel) throws IOException {
        return new GgufHeader(file, channel);
    }

    private void checkVersion(GgufInput in) throws IOException {
        if (in.remaining() < 8 || in.i32("magic") != MAGIC) {
            throw new ModelException(file
                    + ": does not begin with \"GGUF\", so this is not a GGUF file (is the download" + " complete?)");
        }
        int version = in.i32("version");
        if (version == VERSION) {
            return;
        }
        if ((version & 0xFFFF) == 0 && version != 0) {
            throw new ModelException(file + ": a big-endian GGUF file (version " + Integer.reverseBytes(version)
                    + "); convert it with gguf_convert_endian.py of llama.cpp: gguf-convert-endian FILE little");
        }
        throw new ModelException(file + ": GGUF version " + Integer.toUnsignedString(version) + "; supported: "
                + VERSION
                + switch (version) {
                    case 1 -> " (convert the original checkpoint again with convert_hf_to_gguf.py of llama.cpp)";
                    case 2 -> " (rewrite it with llama.cpp: llama-quantize FILE NEW_FILE COPY)";
                    default -> "";
                });
    }

    private long alignment() throws IOException {
        Optional<GgufMetadata.Entry> entry = metadata.entry(ALIGNMENT_KEY);
        if (entry.isPresent() && entry.get().type() != GgufValueType.UINT32) {
            throw metadata.wrong(ALIGNMENT_KEY, "a UINT32");
        }
        long alignment = metadata.integerOr(ALIGNMENT_KEY, DEFAULT_ALIGNMENT, 1, MAX_ALIGNMENT);
        if (Long.bitCount(alignment) != 1) {
            throw metadata.wrong(ALIGNMENT_KEY, "a power of two");
        }
        return alignment;
    }

    /** An info as it stands in the file, its offset not yet counted from the start of the file. */
    private Tensor tensor(GgufInput in, int index, long alignment) throws IOException {
        String name = new String(
                in.string("the name of tensor " + index, GgufMetadata.MAX_KEY_BYTES), StandardCharsets.UTF_8);
        String where = "tensor " + name;
        int dimensions = in.i32(where);
        if (dimensions < 0 || dimensions > MAX_DIMENSIONS) {
            throw new ModelException(file + ": " + where + " has " + Integer.toUnsignedString(dimensions)
                    + " dimensions; expected at most " + MAX_DIMENSIONS);
        }
        Long[] shape = new Long[dimensions];
        for (int d = dimensions - 1; d >= 0; d--) {
            shape[d] = in.i64(where);
            if (shape[d] < 0) {
                throw new ModelException(file + ": " + where + " has a dimension of " + Long.toUnsignedString(shape[d])
                        + "; expected less than 2^63");
            }
        }
        int id = in.i32(where);
        GgufTensorType type = GgufTensorType.of(id)
                .orElseThrow(() -> new ModelException(file + ": " + where + " has the unknown type "
                        + Integer.toUnsignedString(id) + " (a type that ggml has dropped or that is newer than this"
                        + " program; quantize the model again)"));
        long offset = in.i64(where);
        if (offset < 0 || offset % alignment != 0) {
            throw new ModelException(file + ": " + where + " is at offset " + Long.toUnsignedString(offset)
                    + "; expected a multiple of the alignment " + alignment);
        }
        try {
            return new Tensor(name, type, List.of(shape), offset, type.bytes(List.of(shape)));
        } catch (ArithmeticException e) {
            throw new ModelException(
                    file + ": " + where + " of shape " + List.of(shape) + " " + type + " has no size: "
                            + e.getMessage(),
                    e);
        }
    }

    private void place(Tensor tensor, long dataStart) throws ModelException {
        long room = fileSize - dataStart;
        if (tensor.bytes > room || tensor.offset > room - tensor.bytes) {
            throw new ModelException(file + ": tensor " + tensor.name + " takes " + tensor.bytes + " bytes at offset "
                    + tensor.offset + " of the data; the file has " + Math.max(0, room)
                    + " (an incomplete download, or a damaged file)");
        }
        Tensor placed = new Tensor(tensor.name, tensor.type, tensor.shape, dataStart + tensor.offset, tensor.bytes);
        if (tensors.put(tensor.name, placed) != null) {
            throw new ModelException(file + ": tensor " + tensor.name + " is listed twice");
        }
    }

    private void checkOverlaps() throws ModelException {
        List<Tensor> sorted = tensors.values().stream()
                .filter(t -> t.bytes > 0)
                .sorted(Comparator.comparingLong(Tensor::offset))
                .toList();
        for (int i = 1; i < sorted.size(); i++) {
            Tensor before = sorted.get(i - 1);
            Tensor tensor = sorted.get(i);
            if (tensor.offset < before.offset + before.bytes) {
                throw new ModelException(file + ": tensor " + tensor.name + " begins at byte " + tensor.offset
                        + ", inside tensor " + before.name + ", which ends at " + (before.offset + before.bytes));
            }
        }
    }

    Path file() {
        return file;
    }

    GgufMetadata metadata() {
        return metadata;
    }

    /** By name, in file order. */
    Map<String, Tensor> tensors() {
        return tensors;
    }
}
