package org.bitscarp.eval;

import java.io.IOException;
import java.nio.file.Path;
import org.bitscarp.compute.Backend;
import org.bitscarp.datasets.Corpus;
import org.bitscarp.eval.engine.KeptHessians;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.eval.resume.Fingerprint;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.ModelDigest;
import org.bitscarp.model.Tokenizer;

/** Opens the folder that calibration statistics are kept in, under a fingerprint of all that they depend on. */
public final class CalibrationFolder {
    private CalibrationFolder() {}

    /**
     * Reads the model once for its digest.
     *
     * @param folder null for none, which gives null; so does a calibration without windows
     * @param backend that would sum them
     * @param text that the windows are of
     * @throws IOException naming what differs, when the folder is of another model, text, or way of cutting it into windows
     */
    public static KeptHessians open(
            Path folder, Backend backend, Checkpoint checkpoint, Tokenizer tokenizer, Corpus text, WindowPlan windows)
            throws IOException {
        if (folder == null || windows == null) {
            return null;
        }
        Fingerprint fingerprint = new Fingerprint()
                .with("model", ModelDigest.of(checkpoint))
                .with("tokenizer", tokenizer.sha256())
                .with("calibration text", text.sha256())
                .with("calibration tokens", windows.rows())
                .with("calibration context", windows.longestWindow())
                .with("moments", backend.moments().word())
                .with("BOS", "none added");
        return KeptHessians.open(folder, fingerprint, checkpoint);
    }
}
