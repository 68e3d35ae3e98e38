package org.bitscarp.cli;

import java.io.PrintStream;
import java.util.Map;
import picocli.CommandLine;

/** Makes command objects, handing the two streams to those that want them. */
final class Commands implements CommandLine.IFactory {
    private final Streams streams;

    Commands(PrintStream out, PrintStream err, Map<String, String> environment) {
        streams = new Streams(out, err, Map.copyOf(environment));
    }

    @Override
    public <K> K create(Class<K> type) throws Exception {
        try {
            return type.getDeclaredConstructor(Streams.class).newInstance(streams);
        } catch (NoSuchMethodException e) {
            return CommandLine.defaultFactory().create(type);
        }
    }

    /** Where results go, where everything else goes, and the variables that were set. */
    record Streams(PrintStream out, PrintStream err, Map<String, String> environment) {}
}
