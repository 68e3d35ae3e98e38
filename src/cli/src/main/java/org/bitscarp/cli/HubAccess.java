package org.bitscarp.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import org.bitscarp.hub.FileChoice;
import org.bitscarp.hub.Hub;
import org.bitscarp.hub.HubListener;
import org.bitscarp.hub.HubReference;
import org.bitscarp.hub.HubSettings;
import org.bitscarp.hub.Snapshot;

/** The hub as commands use it: settings from the environment, progress and notes on stderr. */
final class HubAccess {
    private HubAccess() {}

    /**
     * Brings what a reference names to this machine.
     *
     * @param quiet no progress and no word about repeated tries
     */
    static Snapshot fetch(String text, FileChoice choice, Commands.Streams streams, boolean quiet) throws IOException {
        HubReference reference;
        try {
            reference = HubReference.parse(text);
        } catch (IllegalArgumentException e) {
            throw new UsageException(e.getMessage());
        }
        HubSettings settings = HubSettings.of(
                streams.environment(),
                Path.of(System.getProperty("user.home")),
                "bitscarp/" + Version.text().replaceAll("[^0-9A-Za-z.+-]", "_"));
        try (Hub hub = new Hub(settings);
                ProgressLine line = new ProgressLine(streams.err(), Terminal.stderr(), Terminal.unicode())) {
            Snapshot snapshot = hub.fetch(reference, choice, listener(line, streams, quiet));
            if (!snapshot.note().isEmpty() && !settings.offline()) {
                streams.err()
                        .println("Note: " + snapshot.note() + "; using what is cached, commit "
                                + snapshot.commit().substring(0, 8));
            }
            return snapshot;
        }
    }

    private static HubListener listener(ProgressLine line, Commands.Streams streams, boolean quiet) {
        if (quiet) {
            return HubListener.NONE;
        }
        long started = System.nanoTime();
        return new HubListener() {
            @Override
            public void progress(String file, long done, long total) {
                double seconds = Math.max(1e-3, (System.nanoTime() - started) / 1e9);
                line.report(String.format(Locale.ROOT, "%.1f MB/s  %s", done / seconds / 1e6, file), done, total);
            }

            @Override
            public void note(String message) {
                line.close();
                streams.err().println("Note: " + message);
            }
        };
    }
}
