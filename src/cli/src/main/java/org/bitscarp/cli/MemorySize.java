package org.bitscarp.cli;

import java.lang.management.ManagementFactory;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes as users write them. */
final class MemorySize {
    private static final Pattern SIZE = Pattern.compile("(\\d{1,15})\\s*([kmgt]?)i?b?");

    private MemorySize() {}

    /** Bytes of {@code 512m}, {@code 8g}, {@code 100000}; units are powers of 1024. */
    static long parse(String option, String text) {
        Matcher m = SIZE.matcher(text.strip().toLowerCase(Locale.ROOT));
        if (m.matches()) {
            int shift = 10 * ("kmgt".indexOf(m.group(2)) + (m.group(2).isEmpty() ? 0 : 1));
            long number = Long.parseLong(m.group(1));
            if (number <= Long.MAX_VALUE >> shift) {
                return number << shift;
            }
        }
        throw new UsageException(option + " " + text + ": expected a size such as 512m or 8g");
    }

    /** Half of what the machine has free now, at least 512 MiB. */
    static long defaultBudget() {
        long free = 0;
        if (ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system) {
            free = system.getFreeMemorySize();
        }
        return Math.max(512L << 20, free / 2);
    }
}
