package org.bitscarp.cli;

import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code bitscarp doctor}: what this machine has, what is missing, what to do about it. */
@Command(
        name = "doctor",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        usageHelpAutoWidth = true,
        description = "Checks JDK, Vector API, BLAS, tokenizer, memory, CUDA and the built-in files."
                + " Exit status 1 when something is broken; absent options are no failure.",
        footer = {"", "Examples:", "  bitscarp doctor", "  bitscarp doctor --json"})
final class DoctorCommand implements Callable<Integer> {
    private final Commands.Streams streams;

    @Option(names = "--json", description = "Print one JSON object on stdout.")
    private boolean json;

    DoctorCommand(Commands.Streams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() {
        List<Finding> findings = Checkup.run();
        boolean broken = findings.stream().anyMatch(f -> f.state() == Finding.State.BROKEN);
        if (json) {
            ObjectNode root = JsonMapper.shared().createObjectNode();
            root.put("healthy", !broken);
            ArrayNode array = root.putArray("findings");
            for (Finding f : findings) {
                ObjectNode node = array.addObject();
                node.put("what", f.what());
                node.put("state", f.state().name().toLowerCase(Locale.ROOT));
                node.put("detail", f.detail());
                node.put("remedy", f.remedy());
            }
            streams.out().println(root.toPrettyString());
        } else {
            for (Finding f : findings) {
                String state = f.state().name().toLowerCase(Locale.ROOT);
                streams.out().println(String.format(Locale.ROOT, "%-12s %-7s %s", f.what(), state, f.detail()));
                if (!f.remedy().isEmpty()) {
                    streams.out().println(" ".repeat(21) + "→ " + f.remedy());
                }
            }
        }
        return broken ? 1 : 0;
    }
}
