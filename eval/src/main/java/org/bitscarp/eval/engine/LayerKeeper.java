package org.bitscarp.eval.engine;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.bitscarp.eval.resume.Fingerprint;
import org.bitscarp.eval.resume.Keeping;
import org.bitscarp.eval.resume.SweepFolder;
import org.bitscarp.model.ModelDigest;

/**
 * Makes finished layers durable. What a sweep is between two layers are the hidden states of all levels, what their tallies
 * have counted, the finished lines of the digest and, where levels are to write, their packed matrices; after the last layer
 * token scores take the place of the hidden states.
 *
 * <p>A state is as large as the hidden states are, so it is not written after every layer but when the asked interval has
 * passed, and never so often that writing takes more than a twentieth of the time: what a killed process loses is at most
 * the interval or a layer, or twenty times what a write takes, whichever is longest. An interval of 0 asks for a state
 * after every layer at any price; then it is at most one layer.
 */
final class LayerKeeper {
    /** Name of the state of an unfinished sweep, and what the names of its packed matrices begin with. */
    static final String LAYERS = "layers";

    static final String PACKED = "packed-";

    /** Time that one write may take of the time until the next. */
    private static final int SHARE = 20;

    private final SweepFolder folder;
    private final Fingerprint fingerprint;
    private final long intervalNanos;
    private final List<String> packedFiles = new ArrayList<>();
    private int packedLayers;
    private long last = System.nanoTime();
    private long lastTook;
    private final long started = last;
    private long nanosBefore;

    /**
     * @param fingerprint of this run, its levels included
     */
    LayerKeeper(Keeping keeping, Fingerprint fingerprint) {
        folder = keeping.folder();
        this.fingerprint = fingerprint;
        intervalNanos = (long) Math.min(keeping.every() * 1e9, Long.MAX_VALUE / 2);
    }

    /**
     * The parts of a sweep that change from layer to layer; those that it does not have are null.
     *
     * @param reads whether full-precision statistics are read, so that their calibration states stay at the embedding
     */
    record Parts(
            List<LevelTally> tallies,
            ModelDigest digest,
            HiddenStates states,
            HiddenStates calibration,
            boolean reads,
            PackedLevels packed) {}

    /** Keeps nothing. */
    static LayerKeeper none() {
        return new LayerKeeper(Keeping.NONE, new Fingerprint());
    }

    /** @throws IOException when the folder has less room than states take */
    void checkSpace(long bytes) throws IOException {
        if (folder != null && intervalNanos < Long.MAX_VALUE / 2 && folder.usableBytes() < bytes) {
            throw new IOException(
                    "the state of this sweep takes up to " + Preflight.size(bytes) + " in " + folder.path()
                            + ", where " + Preflight.size(folder.usableBytes())
                            + " are free; give another --out, or --keep-every never to begin again when it is interrupted");
        }
    }

    /** Seconds that earlier runs of this sweep took for what was restored, and this one so far. */
    double seconds() {
        return (nanosBefore + System.nanoTime() - started) / 1e9;
    }

    /** Restores what was kept; returns the layers that are finished, one more when scores are there too, 0 for nothing. */
    int restore(Parts parts) throws IOException {
        if (folder == null) {
            return 0;
        }
        int layers = folder.read(LAYERS, (kept, in) -> restore(parts, kept, in)).orElse(0);
        last = System.nanoTime();
        return layers;
    }

    /** @throws IOException naming what differs, when what is kept is not of this run */
    static void refuse(SweepFolder folder, Fingerprint kept, Fingerprint now) throws IOException {
        List<String> differences = kept.differences(now);
        if (!differences.isEmpty()) {
            throw new IOException(folder.path().getParent()
                    + " holds an unfinished sweep that is another one: " + String.join(", ", differences)
                    + "; repeat its command to finish it, give another --out, or drop it with --fresh");
        }
    }

    private int restore(Parts parts, Fingerprint kept, DataInputStream in) throws IOException {
        refuse(folder, kept, fingerprint);
        int layers = in.readInt();
        nanosBefore = in.readLong();
        List<String> lines = new ArrayList<>();
        for (int left = in.readInt(); left > 0; left--) {
            lines.add(in.readUTF());
        }
        parts.digest.resume(lines);
        if (in.readBoolean() && !parts.reads) {
            throw new IOException(
                    folder.path().getParent() + " holds an unfinished sweep that took its calibration from"
                            + " --hessians, where it is no longer; give that folder, or begin afresh with --fresh");
        }
        boolean scored = in.readBoolean();
        for (LevelTally tally : parts.tallies) {
            tally.read(in, scored);
        }
        if (!scored) {
            parts.states.read(in);
            if (parts.calibration != null) {
                parts.calibration.read(in);
            }
        }
        packedLayers = in.readInt();
        int files = in.readInt();
        for (int i = 0; i < files; i++) {
            packedFiles.add(in.readUTF());
        }
        for (String file : packedFiles) {
            folder.read(file, (f, packed) -> {
                        parts.packed.read(
                                packed, level -> parts.tallies.get(level).recipe.maps());
                        return file;
                    })
                    .orElseThrow(() -> new IOException(
                            folder.path() + " lacks " + file + ", which its state names; begin afresh with --fresh"));
        }
        return layers;
    }

    /** After a layer: keeps it when it is time. */
    void finished(int layers, Parts parts) throws IOException {
        if (due()) {
            write(layers, false, parts);
        }
    }

    /** After scoring: what follows needs no hidden states. */
    void scored(int layers, Parts parts) throws IOException {
        if (due()) {
            write(layers + 1, true, parts);
        }
    }

    private boolean due() {
        return folder != null
                && (intervalNanos == 0 || System.nanoTime() - last >= Math.max(intervalNanos, SHARE * lastTook));
    }

    private void write(int layers, boolean scored, Parts parts) throws IOException {
        long begun = System.nanoTime();
        int layersOfModel = scored ? layers - 1 : layers;
        if (parts.packed != null && layersOfModel > packedLayers) {
            String name = PACKED + layersOfModel;
            folder.write(name, fingerprint, out -> parts.packed.write(out, packedLayers, layersOfModel));
            packedFiles.add(name);
            packedLayers = layersOfModel;
        }
        folder.write(LAYERS, fingerprint, out -> write(out, layers, scored, parts));
        last = System.nanoTime();
        lastTook = last - begun;
    }

    private void write(DataOutputStream out, int layers, boolean scored, Parts parts) throws IOException {
        out.writeInt(layers);
        out.writeLong(nanosBefore + System.nanoTime() - started);
        List<String> lines = parts.digest.finished(layers);
        out.writeInt(lines.size());
        for (String line : lines) {
            out.writeUTF(line);
        }
        out.writeBoolean(parts.reads);
        out.writeBoolean(scored);
        for (LevelTally tally : parts.tallies) {
            tally.write(out, scored);
        }
        if (!scored) {
            parts.states.write(out);
            if (parts.calibration != null) {
                parts.calibration.write(out);
            }
        }
        out.writeInt(packedLayers);
        out.writeInt(packedFiles.size());
        for (String file : packedFiles) {
            out.writeUTF(file);
        }
    }
}
