package org.bitscarp.cuda.cublas;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bitscarp.cuda.jcuda.JCublas;

/**
 * The cuBLAS of this machine.
 *
 * @param found the one to use: version 12 before 13, since JCuda's binding has been in use for longest
 * @param reason why none was found, one part for each that was looked for; empty where one was
 */
public record CublasLibraries(Optional<Cublas> found, String reason) {
    private static final String VERSION_13 = "libcublas.so.13";

    private static final class Holder {
        static final CublasLibraries LIBRARIES = find();
    }

    /** Looks for a library, once in a process. Loading is all that it takes; no device is touched. */
    public static CublasLibraries look() {
        return Holder.LIBRARIES;
    }

    private static CublasLibraries find() {
        List<String> reasons = new ArrayList<>();
        try {
            return new CublasLibraries(Optional.of(JCublas.load()), "");
        } catch (LinkageError e) {
            reasons.add("cuBLAS 12: " + line(e));
        }
        try {
            return new CublasLibraries(Optional.of(ForeignCublas.load(VERSION_13)), "");
        } catch (IllegalArgumentException e) {
            reasons.add("cuBLAS 13: " + line(e));
        }
        return new CublasLibraries(Optional.empty(), String.join("; ", reasons));
    }

    /** The line that names the library; JCuda's message has many. */
    private static String line(Throwable e) {
        List<String> lines = String.valueOf(e.getMessage())
                .strip()
                .lines()
                .map(String::strip)
                .toList();
        return lines.stream().filter(l -> l.contains("libcublas")).findFirst().orElse(lines.getFirst());
    }
}
