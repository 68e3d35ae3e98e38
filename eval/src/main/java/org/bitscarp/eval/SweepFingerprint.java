package org.bitscarp.eval;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bitscarp.compute.Backend;
import org.bitscarp.datasets.Corpus;
import org.bitscarp.eval.generate.ContinuationRequest;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.eval.resume.Fingerprint;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Tokenizer;

/**
 * What the numbers of a sweep depend on, except its levels. Neither threads nor memory are part of it. The model is named by
 * its files, their sizes and times of change, since hashing weights that are finished would read them again.
 */
final class SweepFingerprint {
    /** Whether levels write; where nobody demands it that depends on memory, so a resumed sweep does as it did before. */
    static final String WRITES = "continuations written";

    private SweepFingerprint() {}

    static Fingerprint of(
            String version,
            Backend backend,
            Checkpoint checkpoint,
            Tokenizer tokenizer,
            SweepRequest request,
            WindowPlan calibration,
            boolean writes)
            throws IOException {
        ContinuationRequest c = request.continuations();
        return new Fingerprint()
                .with("bitscarp", version)
                .with("model", checkpoint.path().toAbsolutePath().normalize())
                .with("model files", files(checkpoint.path()))
                .with("tokenizer", tokenizer.sha256())
                .with("text", named(request.text()))
                .with("max-tokens", request.maxTokens())
                .with(
                        "protocols",
                        request.protocols().stream()
                                .map(p -> p.kind().text() + " " + p.context() + "/" + p.stride())
                                .collect(Collectors.joining(", ")))
                .with("reference", request.rows().names().getFirst())
                .with("calibration", request.calibration() == null ? null : named(request.calibration()))
                .with("calibration-tokens", calibration == null ? null : calibration.rows())
                .with("calibration-context", calibration == null ? null : calibration.longestWindow())
                .with("moments", calibration == null ? null : backend.moments().word())
                .with(
                        "imatrix",
                        request.imatrix() == null ? null : request.imatrix().sha256())
                .with(
                        "tasks",
                        request.tasks().stream()
                                .map(t -> t.sha256().substring(0, 12) + " " + t.name() + " "
                                        + t.questions().size())
                                .collect(Collectors.joining(", ")))
                .with("continuations", c.tokens() + " tokens, temperature " + c.temperature())
                .with("prompts", sha256(String.join("\n", c.prompts())))
                .with("seed", c.seed())
                .with(WRITES, writes)
                .with("noise", request.judgement().noise())
                .with("device", backend.description().replaceFirst("\\d+ threads?, ", ""))
                .with("arithmetic", backend.computeType());
    }

    private static String named(Corpus corpus) {
        return corpus.sha256().substring(0, 12) + " " + corpus.name();
    }

    /** Changes when a file of the model does. */
    private static String files(Path model) throws IOException {
        List<Path> files;
        if (Files.isDirectory(model)) {
            try (Stream<Path> listed = Files.list(model)) {
                files = listed.filter(Files::isRegularFile).sorted().toList();
            }
        } else {
            files = List.of(model);
        }
        StringBuilder lines = new StringBuilder();
        long bytes = 0;
        for (Path file : files) {
            bytes += Files.size(file);
            lines.append(file.getFileName())
                    .append(' ')
                    .append(Files.size(file))
                    .append(' ')
                    .append(Files.getLastModifiedTime(file))
                    .append('\n');
        }
        return files.size() + " of " + bytes + " bytes, " + sha256(lines.toString());
    }

    private static String sha256(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, 6);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}
