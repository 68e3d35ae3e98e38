package org.bitscarp.model.internal.packed;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.SafetensorsType;
import org.bitscarp.model.internal.ConfigFields;
import org.bitscarp.model.internal.SafetensorsFiles;
import org.bitscarp.model.internal.weights.MappedFiles;

/** The stored zero points of a GPTQ folder, in either version of the format. */
public final class GptqZeroPoints {
    private static final String SUFFIX = ".qzeros";
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final GptqSettings settings;
    private final SafetensorsFiles tensors;
    private final MappedFiles files;

    /**
     * @param config the fields of {@code config.json}
     * @throws ModelException where the folder is not GPTQ's
     */
    public GptqZeroPoints(Path configFile, ConfigFields config, SafetensorsFiles tensors, MappedFiles files)
            throws IOException {
        this.settings = PackedSources.gptq(configFile, config);
        this.tensors = tensors;
        this.files = files;
    }

    /** Whether a tensor holds zero points. */
    public static boolean holds(String tensor) {
        return tensor.endsWith(SUFFIX);
    }

    /**
     * The zero points of one module as a version stores them.
     *
     * @param target as many bytes as the tensor has
     * @return zero points of 0 that version 1 stores as 2^bits − 1
     */
    public long as(int version, SafetensorsFiles.Located located, MemorySegment target) throws IOException {
        Part qzeros = new Part(files, located).typed(SafetensorsType.I32);
        String name = located.entry().name();
        String scalesName = name.substring(0, name.length() - SUFFIX.length()) + ".scales";
        List<Long> scales = tensors.find(scalesName)
                .orElseThrow(() -> qzeros.wrong("has no " + scalesName + " beside it; download the files again"))
                .entry()
                .shape();
        List<Long> shape = qzeros.shape();
        if (scales.size() != 2 || shape.size() != 2 || !scales.getFirst().equals(shape.getFirst())) {
            throw qzeros.wrong("has shape " + shape + ", the scales " + scales + "; expected as many groups");
        }
        int bits = bits(qzeros, scales.getLast());
        int out = Math.toIntExact(scales.getLast());
        int words = Math.toIntExact(shape.getLast());
        int groups = Math.toIntExact(shape.getFirst());
        if (groups == 0) {
            return 0;
        }
        GptqVersion stored = GptqVersion.of(settings, qzeros, bits, words, out);
        int subtracted = version == 1 ? 1 : 0;
        int mask = (1 << bits) - 1;
        long wrapped = 0;
        int[] line = new int[words];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = qzeros.map(arena);
            for (int group = 0; group < groups; group++) {
                Part.words(bytes, (long) group * words, words, line, 0);
                int[] changed = new int[words];
                for (int o = 0; o < out; o++) {
                    int zero = BitWords.at(bits, line, (long) o * bits) + stored.added() & mask;
                    wrapped += zero < subtracted ? 1 : 0;
                    BitWords.put(bits, changed, (long) o * bits, zero - subtracted & mask);
                }
                MemorySegment.copy(changed, 0, target, INT, 4L * group * words, words);
            }
        }
        return wrapped;
    }

    private static int bits(Part qzeros, long out) throws ModelException {
        for (int bits : GptqSettings.WIDTHS) {
            if (out > 0
                    && out < Integer.MAX_VALUE
                    && BitWords.streamWords(out, bits) == qzeros.shape().getLast()) {
                return bits;
            }
        }
        throw qzeros.wrong("has shape " + qzeros.shape() + "; for " + out + " outputs that is no width of "
                + GptqSettings.WIDTHS + " bits");
    }
}
