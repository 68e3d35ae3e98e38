package org.bitscarp.kernels;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** The compiled kernels. */
public final class Artefacts {
    /** Architectures that kernels are compiled for, newest first. A device runs the PTX of its own or an older one. */
    private static final int[] ARCHITECTURES = {80, 75};

    private Artefacts() {}

    /**
     * The PTX of {@code cu/name.cu} for the newest architecture that a device of this compute capability runs.
     *
     * @param computeCapability major × 10 + minor
     * @throws IllegalArgumentException when there is none
     */
    public static String ptx(String name, int computeCapability) {
        for (int architecture : ARCHITECTURES) {
            if (architecture <= computeCapability) {
                try (InputStream in = Artefacts.class.getResourceAsStream("sm_" + architecture + "/" + name + ".ptx")) {
                    if (in != null) {
                        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
                    }
                } catch (IOException e) {
                    throw new UncheckedIOException("the kernels of " + name + " cannot be read", e);
                }
            }
        }
        throw new IllegalArgumentException("there are no kernels " + name + " for compute capability "
                + computeCapability / 10 + "." + computeCapability % 10 + "; a device needs 7.5 or later");
    }
}
