package org.bitscarp.cli;

import java.io.PrintStream;
import java.util.Locale;
import org.bitscarp.eval.engine.Progress;

/**
 * Progress with time left: one line rewritten in place on a terminal, a new line every ten seconds elsewhere.
 */
final class ProgressLine implements Progress, AutoCloseable {
    private static final long TERMINAL_NANOS = 100_000_000L;
    private static final long LOG_NANOS = 10_000_000_000L;
    private static final int BAR = 24;

    private final PrintStream err;
    private final boolean terminal;
    private final boolean unicode;
    private final long started = System.nanoTime();
    private long lastShown = started;
    private boolean shown;

    ProgressLine(PrintStream err, boolean terminal, boolean unicode) {
        this.err = err;
        this.terminal = terminal;
        this.unicode = unicode;
    }

    @Override
    public void report(String what, double done, double total) {
        long now = System.nanoTime();
        if (now - lastShown < (terminal ? TERMINAL_NANOS : LOG_NANOS)) {
            return;
        }
        lastShown = now;
        shown = true;
        double fraction = total > 0 ? Math.min(1, done / total) : 0;
        double seconds = (now - started) / 1e9;
        String left = fraction > 0.02 ? time(seconds / fraction - seconds) + " left" : "";
        if (terminal) {
            int filled = (int) (fraction * BAR);
            String bar = (unicode ? "█" : "#").repeat(filled) + (unicode ? "░" : "-").repeat(BAR - filled);
            err.print("\r\033[K" + bar + " "
                    + String.format(Locale.ROOT, "%3.0f %%  %s  %s", 100 * fraction, left, what));
            err.flush();
        } else {
            err.println(String.format(Locale.ROOT, "%3.0f %%  %s  %s", 100 * fraction, left, what)
                    .stripTrailing());
        }
    }

    @Override
    public void note(String line) {
        close();
        err.println("bitscarp: " + line);
    }

    private static String time(double seconds) {
        long s = Math.round(seconds);
        return s < 60
                ? s + " s"
                : s < 3600 ? s / 60 + " min " + s % 60 + " s" : s / 3600 + " h " + s % 3600 / 60 + " min";
    }

    @Override
    public void close() {
        if (shown && terminal) {
            err.print("\r\033[K");
            err.flush();
        }
    }
}
