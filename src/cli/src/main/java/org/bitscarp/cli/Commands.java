package org.bitscarp.cli;

import java.io.PrintStream;
import java.util.Map;
import java.util.function.LongConsumer;
import picocli.CommandLine;

/** Makes command objects, handing the two streams to those that want them. */
final class Commands implements CommandLine.IFactory {
    private final Streams streams;

    Commands(Streams streams) {
        this.streams = streams;
    }

    @Override
    public <K> K create(Class<K> type) throws Exception {
        try {
            return type.getDeclaredConstructor(Streams.class).newInstance(streams);
        } catch (NoSuchMethodException e) {
            return CommandLine.defaultFactory().create(type);
        }
    }

    /**
     * Where results go, where everything else goes, and the variables that were set.
     *
     * @param deviceMemory told the most bytes of device memory that a command has taken at the same time
     */
    record Streams(PrintStream out, PrintStream err, Map<String, String> environment, LongConsumer deviceMemory) {
        Streams {
            environment = Map.copyOf(environment);
        }
    }
}
