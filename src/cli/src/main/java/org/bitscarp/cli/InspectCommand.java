package org.bitscarp.cli;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.TensorInfo;
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
        description = "Lists a model's architecture and tensors. Reads headers only.",
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
        List<TensorInfo> tensors = checkpoint.tensors();
        int width = tensors.stream().mapToInt(t -> t.name().length()).max().orElse(0);
        line("%s: %s, %s", checkpoint.path(), checkpoint.container(), spec.architecture());
        line(
                "%d layers, hidden %d, ffn %d, %d heads of %d, %d key/value heads, vocabulary %d%s, context %d",
                spec.layers(),
                spec.hidden(),
                spec.mlp().width(),
                spec.attention().heads(),
                spec.attention().headDim(),
                spec.attention().kvHeads(),
                spec.vocabulary(),
                spec.tiedHead() ? " (tied)" : "",
                spec.maxPositions());
        line("");
        line("%-" + width + "s  %-8s  %-14s  %14s", "tensor", "type", "shape", "bytes");
        for (TensorInfo t : tensors) {
            line("%-" + width + "s  %-8s  %-14s  %,14d", t.name(), type(t), shape(t), t.byteSize());
        }
        line("");
        line(
                "%d tensors, %,d parameters, %,d bytes, %.3f bits per weight",
                tensors.size(),
                checkpoint.parameters(),
                bytes(checkpoint),
                8.0 * bytes(checkpoint) / checkpoint.parameters());
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
        for (TensorInfo t : checkpoint.tensors()) {
            ObjectNode node = tensors.addObject();
            node.put("name", t.name());
            node.put("type", type(t));
            ArrayNode shape = node.putArray("shape");
            t.shape().forEach(shape::add);
            node.put("bytes", t.byteSize());
            node.put("file", t.file().getFileName().toString());
            node.put("offset", t.offset());
        }
        return root;
    }

    private static long bytes(Checkpoint checkpoint) {
        return checkpoint.weights().stream().mapToLong(Weight::byteSize).sum();
    }

    private static String type(TensorInfo t) {
        return t.format().name().toLowerCase(Locale.ROOT);
    }

    private static String shape(TensorInfo t) {
        return t.shape().stream().map(String::valueOf).collect(Collectors.joining(" × "));
    }
}
