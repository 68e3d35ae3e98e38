package org.bitscarp.model.export;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.internal.packed.AffineWeight;
import org.bitscarp.quant.BlockScope;
import org.bitscarp.quant.GroupedInt;
import org.bitscarp.quant.StoredFormat;

/**
 * Rewrites a folder whose linear maps are integers on even grids, as AWQ and compressed-tensors pack them, in GPTQ's
 * layout. Codes, scales and zero points are moved and none is computed: the weights are the same to the last bit.
 */
final class GptqRepack implements WeightEncoder {
    /** Rows whose scales and zero points are looked at together. */
    private static final int ROWS = 256;

    /** GPTQModel refuses files without a value between 0 and 1; here, nothing was damped. */
    private static final double DAMPING = 0.01;

    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Checkpoint source;
    private final int version;
    private final Map<String, AffineWeight> maps = new LinkedHashMap<>();
    private final Map<String, int[]> orders = new LinkedHashMap<>();
    private boolean symmetric = true;

    private GptqRepack(Checkpoint source, int version) {
        this.source = source;
        this.version = version;
    }

    /**
     * Writes {@code target}.
     *
     * @param version 1 or 2
     * @param program name and version, for the file
     * @throws ModelException for a map that is packed in another way, or whose scales or zero points the version cannot
     *     hold
     */
    static GptqSummary write(Checkpoint source, Path target, int version, String program) throws IOException {
        GptqRepack repack = new GptqRepack(source, version);
        for (ExportTensor map : LinearMaps.of(source)) {
            if (map.weight().tensor().isEmpty()) {
                repack.look(map);
            }
        }
        GptqPlan plan = new GptqPlan(
                version,
                repack::format,
                map -> Optional.ofNullable(repack.orders.get(map.name())),
                repack,
                new GptqPlan.History(program.replace(' ', ':'), DAMPING, false, false));
        return GptqExport.write(source, target, plan);
    }

    private Optional<GroupedInt> format(ExportTensor map) {
        return Optional.ofNullable(maps.get(map.name()))
                .map(weight -> new GroupedInt(
                        weight.bits(),
                        weight.groupSize() == weight.columns() ? BlockScope.ROW : BlockScope.group(weight.groupSize()),
                        symmetric));
    }

    private void look(ExportTensor map) throws IOException {
        if (!(map.weight() instanceof AffineWeight weight)) {
            throw cannot(
                    map,
                    "is packed as " + map.weight().formatName()
                            + "; a GPTQ folder holds integers with a scale per group",
                    "quantize the model, or write plain numbers with --dequantize");
        }
        if (weight.bits() < 2) {
            throw cannot(map, "has codes of 1 bit; GPTQ files hold 2, 3, 4 or 8", "quantize the model");
        }
        maps.put(map.name(), weight);
        Optional<int[]> groupOf = weight.groupOf();
        if (groupOf.isPresent()) {
            orders.put(map.name(), order(map, groupOf.get(), weight.groupSize()));
        }
        int rows = Math.toIntExact(weight.rows());
        for (int row = 0; row < rows; row += ROWS) {
            int n = Math.min(ROWS, rows - row);
            scales(map, weight.scales(row, n));
            zeros(map, weight.zeros(row, n), weight.bits());
        }
    }

    private void scales(ExportTensor map, float[] scales) throws ModelException {
        for (float scale : scales) {
            if (!(half(scale) == scale)) {
                throw cannot(
                        map,
                        "has a scale of " + scale + ", which is no fp16 number, and GPTQ's scales are",
                        "quantize the model, or write plain numbers with --dequantize");
            }
        }
    }

    private static float half(float value) {
        return Float.float16ToFloat(Float.floatToFloat16(value));
    }

    private void zeros(ExportTensor map, int[] zeros, int bits) throws ModelException {
        for (int zero : zeros) {
            symmetric &= zero == 1 << bits - 1;
            if (zero == 0 && version == 1) {
                throw cannot(
                        map,
                        "has a zero point of 0, which version 1 of GPTQ stores as −1 and many programs read wrongly",
                        "write version 2 (--gptq-format v2)");
            }
        }
    }

    private ModelException cannot(ExportTensor map, String what, String remedy) {
        return new ModelException(source.path() + ": " + map.name() + " " + what + "; " + remedy);
    }

    /** Inputs group by group; a group of a packed row has a fixed number of them. */
    private int[] order(ExportTensor map, int[] groupOf, int size) throws ModelException {
        int[] inputs = IntStream.range(0, groupOf.length)
                .boxed()
                .sorted(Comparator.comparingInt(input -> groupOf[input]))
                .mapToInt(input -> input)
                .toArray();
        for (int at = 0; at < inputs.length; at++) {
            if (groupOf[inputs[at]] != at / size) {
                throw cannot(map, "has groups of unequal size in weight_g_idx", "quantize the model");
            }
        }
        return inputs;
    }

    /** A block as {@link GroupedInt} has it: scale, zero point where it is not fixed, codes from the lowest bit up. */
    @Override
    public void encode(ExportTensor map, StoredFormat format, long firstRow, long rows, MemorySegment target)
            throws IOException {
        AffineWeight weight = maps.get(map.name());
        int[] inputAt = orders.get(map.name());
        int group = weight.groupSize();
        int groups = Math.toIntExact(weight.columns()) / group;
        int n = Math.toIntExact(rows);
        float[] scales = weight.scales(firstRow, n);
        int[] zeros = weight.zeros(firstRow, n);
        byte[][] codes = weight.codes(firstRow, n);
        byte[] block = new byte[group];
        long at = 0;
        for (int row = 0; row < n; row++) {
            for (int g = 0; g < groups; g++) {
                target.set(HALF, at, Float.floatToFloat16(scales[row * groups + g]));
                at += 2;
                if (!symmetric) {
                    target.set(ValueLayout.JAVA_BYTE, at++, (byte) zeros[row * groups + g]);
                }
                for (int i = 0; i < group; i++) {
                    int position = g * group + i;
                    block[i] = codes[row][inputAt == null ? position : inputAt[position]];
                }
                at = pack(block, weight.bits(), target, at);
            }
        }
    }

    private static long pack(byte[] codes, int bits, MemorySegment target, long at) {
        int pending = 0;
        int held = 0;
        for (byte code : codes) {
            pending |= (code & 0xFF) << held;
            for (held += bits; held >= 8; held -= 8) {
                target.set(ValueLayout.JAVA_BYTE, at++, (byte) pending);
                pending >>>= 8;
            }
        }
        if (held > 0) {
            target.set(ValueLayout.JAVA_BYTE, at++, (byte) pending);
        }
        return at;
    }
}
