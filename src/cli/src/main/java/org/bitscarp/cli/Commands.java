package org.bitscarp.cli;

import java.io.PrintStream;
import picocli.CommandLine;

/** Makes command objects, handing the two streams to those that want them. */
final class Commands implements CommandLine.IFactory {
    private final Streams streams;

    Commands(PrintStream out, PrintStream err) {
        streams = new Streams(out, err);
    }

    @Override
    public <K> K create(Class<K> type) throws Exception {
        try {
            return type.getDeclaredConstructor(Streams.class).newInstance(streams);
        } catch (NoSuchMethodException e) {
            return CommandLine.defaultFactory().create(type);
        }
    }

    /** Where results go, and where everything else goes. */
    record Streams(PrintStream out, PrintStream err) {}
}
