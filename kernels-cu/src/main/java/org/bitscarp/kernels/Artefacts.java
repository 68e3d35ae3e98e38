package org.bitscarp.kernels;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.stream.Collectors;

/** The compiled kernels. */
public final class Artefacts {
    /** Architectures that kernels are compiled for, newest first. A device runs the PTX of its own or an older one. */
    private static final int[] ARCHITECTURES = {80, 75};

    /** What MANIFEST names: a build folder may still hold files that are no longer made. */
    private static final Set<String> LISTED = listed();

    private Artefacts() {}

    /**
     * The PTX of {@code cu/name.cu} for the newest architecture that a device of this compute capability runs.
     *
     * @param computeCapability major × 10 + minor
     * @throws IllegalArgumentException when there is none
     */
    public static String ptx(String name, int computeCapability) {
        for (int architecture : ARCHITECTURES) {
            String file = "sm_" + architecture + "/" + name + ".ptx";
            if (architecture <= computeCapability && LISTED.contains(file)) {
                return read(file);
            }
        }
        throw new IllegalArgumentException("there are no kernels " + name + " for compute capability "
                + computeCapability / 10 + "." + computeCapability % 10 + "; a device needs 7.5 or later");
    }

    private static Set<String> listed() {
        return read("MANIFEST")
                .lines()
                .filter(line -> line.startsWith("ptx "))
                .map(line -> line.split(" ")[1])
                .collect(Collectors.toUnmodifiableSet());
    }

    private static String read(String file) {
        try (InputStream in = Artefacts.class.getResourceAsStream(file)) {
            if (in == null) {
                throw new IllegalStateException(
                        "the kernels' file " + file + " is missing; install the whole distribution");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("the kernels' file " + file + " cannot be read", e);
        }
    }
}
