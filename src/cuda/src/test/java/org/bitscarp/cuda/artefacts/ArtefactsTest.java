package org.bitscarp.cuda.artefacts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bitscarp.kernels.Artefacts;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The checked-in PTX is what the sources say. */
class ArtefactsTest {
    private static final Pattern INCLUDE = Pattern.compile("^#include \"(.*)\"", Pattern.MULTILINE);
    private static final String REMEDY = "run kernels-cu/build.sh and commit what it writes";

    @Test
    void everySourceIsInTheManifestWithItsHash() throws Exception {
        var listed = new TreeSet<String>();
        for (String line : KernelSources.manifest()) {
            if (line.startsWith("source ")) {
                String[] words = line.split(" ");
                assertEquals(
                        sourceHash(words[1]), words[2], words[1] + ".cu changed since its PTX was made; " + REMEDY);
                listed.add(words[1] + ".cu");
            }
        }
        var sources = new TreeSet<String>();
        for (Path cu : KernelSources.files(KernelSources.ROOT.resolve("cu"), ".cu")) {
            sources.add(cu.getFileName().toString());
        }
        assertEquals(sources, listed, REMEDY);
    }

    @Test
    void everyPtxIsInTheManifestWithItsHash() throws Exception {
        var listed = new TreeSet<String>();
        for (String line : KernelSources.manifest()) {
            if (line.startsWith("ptx ")) {
                String[] words = line.split(" ");
                byte[] bytes = Files.readAllBytes(KernelSources.PTX.resolve(words[1]));
                assertEquals(sha256(bytes), words[2], words[1] + " was changed by hand; " + REMEDY);
                listed.add(words[1]);
            }
        }
        var present = new TreeSet<String>();
        for (Path ptx : KernelSources.ptx()) {
            present.add(KernelSources.PTX.relativize(ptx).toString());
        }
        assertEquals(present, listed, REMEDY);
    }

    @Test
    void eachIsFoundForTheNewestArchitectureOfADevice() throws IOException {
        for (Path ptx : KernelSources.ptx()) {
            String name = ptx.getFileName().toString().replace(".ptx", "");
            int architecture =
                    Integer.parseInt(ptx.getParent().getFileName().toString().substring(3));
            assertEquals(Files.readString(ptx), Artefacts.ptx(name, architecture));
        }
    }

    /** One kernel, since compiling takes seconds; {@code .ci/run} regenerates all of them where nvcc is. */
    @Test
    void regeneratingGivesTheSameBytes(@TempDir Path scratch) throws Exception {
        String compiler = compiler();
        String recorded = KernelSources.manifest().stream()
                .filter(l -> l.startsWith("source "))
                .findFirst()
                .orElse("source none of them nvcc " + compiler);
        String madeBy = recorded.substring(recorded.indexOf("nvcc ") + 5);
        assumeTrue(!compiler.isEmpty(), "nvcc is not on the PATH: PTX is not regenerated");
        assumeTrue(compiler.equals(madeBy), "PTX was made by nvcc " + madeBy + ", here is " + compiler);
        Process build = new ProcessBuilder(
                        KernelSources.ROOT.resolve("build.sh").toString(),
                        "--check",
                        scratch.toString(),
                        recorded.split(" ")[1])
                .redirectErrorStream(true)
                .start();
        String output = new String(build.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, build.waitFor(), output);
        assertTrue(output.contains(".ptx"), output);
    }

    /** As build.sh computes it: flags, then the file and each header that it includes with quotes, each once, depth first. */
    private static String sourceHash(String name) throws IOException {
        String script = Files.readString(KernelSources.ROOT.resolve("build.sh"));
        Matcher flags = Pattern.compile("^flags=\\((.*)\\)$", Pattern.MULTILINE).matcher(script);
        assertTrue(flags.find());
        var all = new ByteArrayOutputStream();
        all.writeBytes((flags.group(1) + "\n").getBytes(StandardCharsets.UTF_8));
        addSources(name + ".cu", new HashSet<>(), all);
        return sha256(all.toByteArray());
    }

    private static void addSources(String file, Set<String> seen, ByteArrayOutputStream all) throws IOException {
        if (seen.add(file)) {
            byte[] bytes = Files.readAllBytes(KernelSources.ROOT.resolve("cu").resolve(file));
            all.writeBytes(bytes);
            Matcher include = INCLUDE.matcher(new String(bytes, StandardCharsets.UTF_8));
            while (include.find()) {
                addSources(include.group(1), seen, all);
            }
        }
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String compiler() throws InterruptedException {
        try {
            Process nvcc = new ProcessBuilder("nvcc", "--version").start();
            String output = new String(nvcc.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            Matcher version = Pattern.compile(", V([\\d.]+)").matcher(output);
            return nvcc.waitFor() == 0 && version.find() ? version.group(1) : "";
        } catch (IOException e) {
            return "";
        }
    }
}
