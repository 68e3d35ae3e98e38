package org.bitscarp.model.internal.gguf;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.bitscarp.model.Imatrix;
import org.bitscarp.model.ModelException;

/**
 * Reads the files of {@code llama-imatrix}. A GGUF file holds sums of squares {@code NAME.in_sum2} and the tokens that they
 * are of, {@code NAME.counts}, one for each expert. A legacy file holds little-endian records: length and bytes of the name,
 * windows, number of values, and means multiplied by the windows; then windows of the whole, length and bytes of the text's
 * name, which older files lack.
 */
public final class ImatrixReader {
    private static final String SUMS = ".in_sum2";
    private static final String COUNTS = ".counts";

    /** As many as the tensors that a GGUF file may have. */
    private static final int MAX_ENTRIES = 500_000;

    private static final int MAX_NAME_BYTES = 1 << 12;

    private final Path file;
    private final FileChannel channel;
    private final Map<String, Imatrix.Entry> entries = new LinkedHashMap<>();

    private ImatrixReader(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /** @throws ModelException for a file that is no imatrix, or a damaged one */
    public static Imatrix read(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new ModelException(file + ": there is no such file; expected one that llama-imatrix or --save-imatrix"
                    + " has written");
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            ImatrixReader reader = new ImatrixReader(file, channel);
            GgufInput start = new GgufInput(file, channel, 0, channel.size());
            return start.i32("the beginning of an imatrix") == GgufHeader.MAGIC ? reader.gguf() : reader.legacy();
        }
    }

    private Imatrix gguf() throws IOException {
        GgufHeader header = GgufHeader.read(file, channel);
        for (String tensor : header.tensors().keySet()) {
            if (tensor.endsWith(COUNTS) && !header.tensors().containsKey(stem(tensor, COUNTS) + SUMS)) {
                throw new ModelException(file + ": " + tensor + " has no sums " + SUMS + " beside it (a damaged file)");
            }
            if (tensor.endsWith(SUMS)) {
                String name = stem(tensor, SUMS);
                GgufHeader.Tensor counts = header.tensors().get(name + COUNTS);
                if (counts == null) {
                    throw new ModelException(
                            file + ": " + tensor + " has no " + COUNTS + " beside it (a damaged file)");
                }
                add(name, floats(header.tensors().get(tensor)), counts(name, floats(counts)));
            }
        }
        GgufMetadata metadata = header.metadata();
        String[] datasets =
                GgufArrays.byteStrings(metadata, ImatrixWriter.DATASETS).orElse(new String[0]);
        return imatrix(
                Stream.of(datasets).map(ImatrixReader::text).toList(),
                metadata.integerOr(ImatrixWriter.CHUNKS, 0, 0, Long.MAX_VALUE),
                (int) metadata.integerOr(ImatrixWriter.CHUNK_TOKENS, 0, 0, Integer.MAX_VALUE));
    }

    private static String stem(String tensor, String suffix) {
        return tensor.substring(0, tensor.length() - suffix.length());
    }

    /** Bytes that came as one char each. */
    private static String text(String bytes) {
        return new String(bytes.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    }

    private float[] floats(GgufHeader.Tensor tensor) throws IOException {
        if (!tensor.type().equals(GgufTensorType.F32) || tensor.bytes() > 4L * Integer.MAX_VALUE) {
            throw new ModelException(file + ": " + tensor.name() + " is "
                    + tensor.type().name() + " of shape " + tensor.shape() + "; an imatrix holds F32");
        }
        GgufInput in = new GgufInput(file, channel, tensor.offset(), tensor.offset() + tensor.bytes());
        return floats(in, (int) (tensor.bytes() / 4), tensor.name());
    }

    private static float[] floats(GgufInput in, int count, String what) throws IOException {
        in.require(4L * count, what);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = Float.intBitsToFloat(in.i32(what));
        }
        return values;
    }

    private long[] counts(String name, float[] stored) throws ModelException {
        long[] counts = new long[stored.length];
        for (int i = 0; i < counts.length; i++) {
            if (!(stored[i] >= 0 && stored[i] < Long.MAX_VALUE)) {
                throw new ModelException(file + ": " + name + " was gathered on " + stored[i]
                        + " tokens; expected a number of at least 0");
            }
            counts[i] = Math.round((double) stored[i]);
        }
        return counts;
    }

    private Imatrix legacy() throws IOException {
        GgufInput in = new GgufInput(file, channel, 0, channel.size());
        int count = in.i32("the number of entries");
        if (count < 1 || count > MAX_ENTRIES) {
            throw new ModelException(file + ": begins neither with \"GGUF\" nor with a number of entries from 1 to "
                    + MAX_ENTRIES + ", so this is no imatrix file");
        }
        for (int i = 0; i < count; i++) {
            String name = name(in, "the name of entry " + i);
            long windows = in.i32(name);
            int values = in.i32(name);
            if (values < 1 || windows < 0) {
                throw new ModelException(file + ": " + name + " has " + values + " values of " + windows
                        + " windows; expected at least 1 and 0 (a damaged file)");
            }
            add(name, floats(in, values, name), new long[] {windows});
        }
        long chunks = in.remaining() > 0 ? Math.max(0, in.i32("the number of windows")) : 0;
        List<String> datasets = new ArrayList<>();
        if (in.remaining() > 0) {
            String dataset = name(in, "the name of the text");
            if (!dataset.isEmpty()) {
                datasets.add(dataset);
            }
        }
        return imatrix(datasets, chunks, 0);
    }

    private String name(GgufInput in, String what) throws IOException {
        int length = in.i32(what);
        if (length < 0 || length > MAX_NAME_BYTES) {
            throw new ModelException(file + ": " + what + " has " + length + " bytes; expected at most "
                    + MAX_NAME_BYTES + " (a damaged file, or no imatrix)");
        }
        byte[] bytes = in.bytes(length, what);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** @param values sums over {@code counts}, which become means */
    private void add(String name, float[] values, long[] counts) throws ModelException {
        if (counts.length == 0 || values.length == 0 || values.length % counts.length != 0) {
            throw new ModelException(file + ": " + name + " has " + values.length + " sums and " + counts.length
                    + " counts; expected as many sums for each count (a damaged file)");
        }
        int columns = values.length / counts.length;
        boolean seen = false;
        for (int i = 0; i < values.length; i++) {
            long count = counts[i / columns];
            if (!(values[i] >= 0 && values[i] < Float.POSITIVE_INFINITY)) {
                throw new ModelException(file + ": " + name + " has " + values[i] + " as sum of squares of channel "
                        + i % columns + "; expected a finite number of at least 0: gather the imatrix again");
            }
            values[i] = count == 0 ? 0 : values[i] / count;
            seen |= count > 0;
        }
        if (!seen) {
            throw new ModelException(file + ": " + name + " was gathered on no tokens; give llama-imatrix more text");
        }
        if (entries.put(name, new Imatrix.Entry(values, counts)) != null) {
            throw new ModelException(file + ": " + name + " is listed twice");
        }
    }

    private Imatrix imatrix(List<String> datasets, long chunks, int chunkTokens) throws IOException {
        if (entries.isEmpty()) {
            throw new ModelException(file + ": has no sums " + SUMS + "; a GGUF file, but no imatrix");
        }
        return new Imatrix(file, sha256(), Map.copyOf(entries), datasets, chunks, chunkTokens);
    }

    private String sha256() throws IOException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            new GgufInput(file, channel, 0, channel.size()).digest(digest, "the file");
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}
