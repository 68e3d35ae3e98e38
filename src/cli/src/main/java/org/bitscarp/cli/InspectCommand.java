package org.bitscarp.cli;

import java.io.IOException;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.MlpSpec;
import org.bitscarp.model.Weight;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code bitscarp inspect}: what is in a checkpoint, without reading its weights. */
@Command(
        name = "inspect",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        sortOptions = false,
        usageHelpAutoWidth = true,
        description =
                "Lists a model's architecture and tensors, or its weights where a quantizer packed them. Reads headers only.",
        footer = {
            "",
            "Examples:",
            "  bitscarp inspect",
            "  bitscarp inspect ~/models/tiny",
            "  bitscarp inspect ~/models/tiny-q4_k_m.gguf",
            "  bitscarp inspect ~/models/tiny --json | jq .parameters"
        })
final class InspectCommand implements Callable<Integer> {
    private final Commands.Streams streams;

    @Parameters(arity = "0..1", paramLabel = "MODEL", description = ModelArgument.DESCRIPTION)
    private String model;

    @Option(names = "--json", description = "Print one JSON object on stdout.")
    private boolean json;

    InspectCommand(Commands.Streams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        try (Checkpoint checkpoint = Checkpoints.open(ModelArgument.resolve(model, streams, false))) {
            if (json) {
                streams.out().println(tree(checkpoint).toPrettyString());
            } else {
                print(checkpoint);
            }
        }
        return 0;
    }

    private void print(Checkpoint checkpoint) {
        DecoderSpec spec = checkpoint.spec();
        List<ListedTensor> tensors = ListedTensor.of(checkpoint);
        int width = tensors.stream().mapToInt(t -> t.name().length()).max().orElse(0);
        int types = tensors.stream().mapToInt(t -> t.type().length()).max().orElse(0);
        line("%s: %s, %s", checkpoint.path(), checkpoint.container(), spec.architecture());
        line(
                "%d layers, hidden %d, %s, %d heads of %d, %d key/value heads, vocabulary %d%s, context %d%s",
                spec.layers(),
                spec.hidden(),
                feedForward(spec.mlp()),
                spec.attention().heads(),
                spec.attention().headDim(),
                spec.attention().kvHeads(),
                spec.vocabulary(),
                spec.tiedHead() ? " (tied)" : "",
                spec.maxPositions(),
                more(spec));
        line("");
        String columns = "%-" + width + "s  %-" + Math.max(8, types) + "s  %-14s  ";
        line(columns + "%14s  %7s", "tensor", "type", "shape", "bytes", "bits");
        for (ListedTensor t : tensors) {
            line(columns + "%,14d  %7.3f", t.name(), t.type(), t.dimensions(), t.bytes(), t.bits());
        }
        line("");
        line(
                "%d tensors, %,d parameters, %,d bytes, %.3f bits per weight",
                tensors.size(),
                checkpoint.parameters(),
                bytes(checkpoint),
                8.0 * bytes(checkpoint) / checkpoint.parameters());
    }

    private static String feedForward(MlpSpec mlp) {
        String routed =
                mlp.experts() + " experts of ffn " + mlp.expertWidth() + ", " + mlp.expertsPerToken() + " a token";
        return mlp.experts() == 0
                ? "ffn " + mlp.width()
                : mlp.width() == 0 ? routed : "ffn " + mlp.width() + " or " + routed;
    }

    /** What only some models have. */
    private static String more(DecoderSpec spec) {
        List<Integer> windows = spec.attention().windows();
        String more = "";
        if (!windows.isEmpty()) {
            long layers = windows.stream().filter(w -> w > 0).count();
            more += String.format(Locale.ROOT, ", window %d in %d layers", Collections.max(windows), layers);
        }
        return spec.activationBits() > 0 ? more + ", activations of " + spec.activationBits() + " bits" : more;
    }

    private void line(String format, Object... arguments) {
        streams.out().println(String.format(Locale.ROOT, format, arguments));
    }

    private static ObjectNode tree(Checkpoint checkpoint) {
        DecoderSpec spec = checkpoint.spec();
        ObjectNode root = JsonMapper.shared().createObjectNode();
        root.put("path", checkpoint.path().toString());
        root.put("container", checkpoint.container());
        root.put("architecture", spec.architecture());
        root.put("layers", spec.layers());
        root.put("hidden", spec.hidden());
        root.put("ffn", spec.mlp().width());
        if (spec.mlp().experts() > 0) {
            root.put("experts", spec.mlp().experts());
            root.put("experts_per_token", spec.mlp().expertsPerToken());
            root.put("expert_ffn", spec.mlp().expertWidth());
        }
        root.put("heads", spec.attention().heads());
        root.put("kv_heads", spec.attention().kvHeads());
        root.put("head_dim", spec.attention().headDim());
        root.put("vocabulary", spec.vocabulary());
        root.put("tied_head", spec.tiedHead());
        root.put("max_positions", spec.maxPositions());
        root.put("parameters", checkpoint.parameters());
        root.put("bytes", bytes(checkpoint));
        root.put("bits_per_weight", 8.0 * bytes(checkpoint) / checkpoint.parameters());
        ArrayNode tensors = root.putArray("tensors");
        for (ListedTensor t : ListedTensor.of(checkpoint)) {
            ObjectNode node = tensors.addObject();
            node.put("name", t.name());
            node.put("type", t.type());
            ArrayNode shape = node.putArray("shape");
            t.shape().forEach(shape::add);
            node.put("bytes", t.bytes());
            node.put("bits_per_weight", t.bits());
            t.stored().ifPresent(stored -> {
                node.put("file", stored.file().getFileName().toString());
                node.put("offset", stored.offset());
            });
        }
        return root;
    }

    private static long bytes(Checkpoint checkpoint) {
        return checkpoint.weights().stream().mapToLong(Weight::byteSize).sum();
    }
}
