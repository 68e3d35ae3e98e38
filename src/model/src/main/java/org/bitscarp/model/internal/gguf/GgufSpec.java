package org.bitscarp.model.internal.gguf;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.MlpSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.NormSpec;
import org.bitscarp.model.Rope;
import org.bitscarp.model.internal.gguf.GgufFamily.Trait;

/** What the metadata of a GGUF file say of its decoder, with llama.cpp's defaults for keys that are absent. */
final class GgufSpec {
    private static final int MAX_WIDTH = 1 << 20;
    private static final int MAX_LAYERS = 10_000;
    private static final int MAX_POSITIONS = 1 << 30;
    private static final int MAX_VOCABULARY = 1 << 24;
    private static final int MAX_EXPERTS = 4096;

    private final GgufHeader header;
    private final FileChannel channel;
    private final GgufMetadata metadata;
    private final GgufFamily family;

    private GgufSpec(GgufHeader header, FileChannel channel, GgufFamily family) {
        this.header = header;
        this.channel = channel;
        this.metadata = header.metadata();
        this.family = family;
    }

    /** @throws ModelException for an unknown architecture, naming it and those that are supported */
    static GgufFamily family(GgufHeader header) throws IOException {
        String supported = GgufFamilies.ALL.stream().map(GgufFamily::name).collect(Collectors.joining(", "));
        String architecture = header.metadata()
                .string("general.architecture")
                .orElseThrow(() -> new ModelException(header.file()
                        + ": metadata key general.architecture is missing; expected one of " + supported));
        return GgufFamilies.ALL.stream()
                .filter(f -> f.name().equals(architecture))
                .findFirst()
                .orElseThrow(() -> new ModelException(header.file() + ": architecture " + architecture
                        + " is not supported; supported: " + supported));
    }

    static DecoderSpec read(GgufHeader header, FileChannel channel, GgufFamily family) throws IOException {
        return new GgufSpec(header, channel, family).read();
    }

    private DecoderSpec read() throws IOException {
        String causal = family.key("attention.causal");
        if (!metadata.booleanOr(causal, true)) {
            throw metadata.wrong(causal, "true, since only causal language models are supported");
        }
        int hidden = metadata.requiredInt(family.key("embedding_length"), MAX_WIDTH);
        int layers = metadata.requiredInt(family.key("block_count"), MAX_LAYERS);
        int positions = metadata.requiredInt(family.key("context_length"), MAX_POSITIONS);
        return new DecoderSpec(
                family.name(),
                vocabulary(),
                hidden,
                layers,
                attention(hidden, layers, positions),
                mlp(),
                norm(),
                residual(),
                family.has(Trait.SCALED_EMBEDDING) ? (float) Math.sqrt(hidden) : 1,
                cap(Trait.LOGIT_CAP, "final_logit_softcapping", family.name().equals("gemma2") ? 30 : 0),
                0,
                !header.tensors().containsKey(GgufTensors.HEAD),
                positions);
    }

    private AttentionSpec attention(int hidden, int layers, int positions) throws IOException {
        String headsKey = family.key("attention.head_count");
        String groupsKey = family.key("attention.head_count_kv");
        int heads = metadata.requiredInt(headsKey, MAX_WIDTH);
        int kvHeads = (int) metadata.integerOr(groupsKey, heads, 1, MAX_WIDTH);
        if (heads % kvHeads != 0) {
            throw metadata.wrong(groupsKey, "a divisor of " + headsKey + " (" + heads + ")");
        }
        int headDim = headDim(hidden, heads);
        boolean rotates = !family.has(Trait.LEARNED_POSITIONS);
        Rope rope = rotates ? GgufRope.read(header, channel, family, headDim, positions) : null;
        List<Integer> windows = windows(layers);
        boolean local = family.has(Trait.LOCAL_ROTATION) && !windows.isEmpty();
        return new AttentionSpec(
                heads,
                kvHeads,
                headDim,
                (float) (1 / Math.sqrt(GgufSpecKeys.scaleWidth(family, layers, hidden, heads, headDim))),
                cap(Trait.SCORE_CAP, "attn_logit_softcapping", 50),
                windows,
                rope,
                local ? GgufRope.local(header, family, rope.inverseFrequencies().length) : null);
    }

    private int headDim(int hidden, int heads) throws IOException {
        String keyLength = family.key("attention.key_length");
        String valueLength = family.key("attention.value_length");
        if (!metadata.has(keyLength) && hidden % heads != 0) {
            throw metadata.wrong(
                    family.key("attention.head_count"),
                    "a divisor of the embedding length (" + hidden + "), as " + keyLength + " is absent");
        }
        int headDim = (int) metadata.integerOr(keyLength, hidden / heads, 1, MAX_WIDTH);
        if (metadata.integerOr(valueLength, headDim, 1, MAX_WIDTH) != headDim) {
            throw metadata.wrong(valueLength, "the width of a key (" + headDim + ")");
        }
        boolean odd = headDim % 2 != 0 && !family.has(Trait.LEARNED_POSITIONS);
        if (odd || (long) heads * headDim > MAX_WIDTH) {
            throw new ModelException(metadata.file() + ": " + heads + " heads of " + headDim
                    + "; expected an even width for rotary embedding and heads × width up to " + MAX_WIDTH);
        }
        return headDim;
    }

    /** What the metadata say; the shape of the embedding is checked against it with all other shapes. */
    private int vocabulary() throws IOException {
        String key = family.key("vocab_size");
        if (metadata.has(key)) {
            return metadata.requiredInt(key, MAX_VOCABULARY);
        }
        long tokens = metadata.count(GgufVocabulary.TOKENS);
        if (tokens < 1 || tokens > MAX_VOCABULARY) {
            throw new ModelException(header.file() + ": metadata keys " + key + " and " + GgufVocabulary.TOKENS
                    + " are missing or empty; expected the size of the vocabulary");
        }
        return (int) tokens;
    }

    private MlpSpec mlp() throws IOException {
        String widthKey = family.key("feed_forward_length");
        String expertsKey = family.key("expert_count");
        int experts = (int) metadata.integerOr(expertsKey, 0, 0, Integer.MAX_VALUE);
        if (experts > 0 && !family.has(Trait.EXPERTS)) {
            throw metadata.wrong(expertsKey, "0 for architecture " + family.name());
        }
        if (experts > MAX_EXPERTS || experts == 0 && family.has(Trait.ONLY_EXPERTS)) {
            throw metadata.wrong(expertsKey, "1 to " + MAX_EXPERTS);
        }
        int width = metadata.requiredInt(widthKey, 16 * MAX_WIDTH);
        if (experts == 0) {
            return MlpSpec.dense(width, family.activation());
        }
        int used = metadata.requiredInt(family.key("expert_used_count"), experts);
        int own = family.has(Trait.ONLY_EXPERTS) ? width / used : width;
        int expertWidth = (int) metadata.integerOr(family.key("expert_feed_forward_length"), own, 1, 16L * MAX_WIDTH);
        return new MlpSpec(0, family.activation(), experts, used, expertWidth, true);
    }

    private NormSpec norm() throws IOException {
        String key = family.key(GgufSpecKeys.epsilonKey(family));
        double epsilon = metadata.number(key, 1e-30, 1)
                .orElseThrow(() -> new ModelException(header.file() + ": metadata key " + key + " is missing"));
        return new NormSpec(family.norm(), (float) epsilon);
    }

    private DecoderSpec.Residual residual() throws IOException {
        boolean parallel =
                family.has(Trait.PARALLEL_RESIDUAL) && metadata.booleanOr(family.key("use_parallel_residual"), true);
        return parallel ? DecoderSpec.Residual.PARALLEL : DecoderSpec.Residual.SEQUENTIAL;
    }

    private float cap(Trait trait, String suffix, double absent) throws IOException {
        if (!family.has(trait)) {
            return 0;
        }
        double cap = metadata.number(family.key(suffix), 0, Float.MAX_VALUE).orElse(absent);
        return cap >= GgufSpecKeys.NO_CAP ? 0 : (float) cap;
    }

    private List<Integer> windows(int layers) throws IOException {
        boolean gemma = family.has(Trait.WINDOWS);
        int absent = family.name().equals("gemma2") ? 4096 : 0;
        int size = (int) metadata.integerOr(family.key("attention.sliding_window"), absent, 0, Integer.MAX_VALUE);
        if (size == 0) {
            return List.of();
        }
        String key = family.key("attention.sliding_window_pattern");
        // A pattern as an array belongs to architectures that are not read.
        int usual = family.name().equals("gemma2") ? 2 : gemma ? 6 : 0;
        int period = (int) metadata.integerOr(key, usual, 0, Integer.MAX_VALUE);
        List<Integer> windows = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
            windows.add(windowed(layer, period) ? size : 0);
        }
        return windows;
    }

    /** Whether a layer has a window where all but every {@code period}-th have one; 0 means all. */
    static boolean windowed(int layer, int period) {
        return period == 0 || layer % period < period - 1;
    }
}
