package org.bitscarp.cli;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import org.bitscarp.eval.report.ConsoleTable;

/** What the streams are connected to. */
final class Terminal {
    private Terminal() {}

    static boolean stdout() {
        return isTerminal(1);
    }

    static boolean stderr() {
        return isTerminal(2);
    }

    /** Colour is wanted: a terminal that is not dumb, and NO_COLOR (no-color.org) not set. */
    static boolean colour() {
        String no = System.getenv("NO_COLOR");
        return stdout() && (no == null || no.isEmpty()) && !"dumb".equals(System.getenv("TERM"));
    }

    /** Box-drawing characters come through. */
    static boolean unicode() {
        for (String name : new String[] {"LC_ALL", "LC_CTYPE", "LANG"}) {
            String value = System.getenv(name);
            if (value != null && !value.isEmpty()) {
                return value.toUpperCase(java.util.Locale.ROOT).replace("-", "").contains("UTF8");
            }
        }
        return false;
    }

    /** How tables come out best on stdout. */
    static ConsoleTable.Style tableStyle() {
        return new ConsoleTable.Style(!unicode(), colour(), ConsoleTable.WIDTH);
    }

    /** isatty(3); false where there is no such function. java.io.Console only tells about stdin and stdout together. */
    private static boolean isTerminal(int descriptor) {
        try {
            Linker linker = Linker.nativeLinker();
            var isatty = linker.downcallHandle(
                    linker.defaultLookup().find("isatty").orElseThrow(),
                    FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
            return (int) isatty.invokeExact(descriptor) == 1;
        } catch (Throwable e) {
            return false;
        }
    }
}
