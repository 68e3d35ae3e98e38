package org.bitscarp.eval.engine;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.bitscarp.eval.resume.Fingerprint;
import org.bitscarp.eval.resume.SweepFolder;

/**
 * The finished levels of a sweep, which stay in its folder: another command with more levels runs only those, and the
 * reference once more beside them, since divergences need its logits and its hidden states. They cost megabytes per level;
 * the reference's hidden states of every layer and its logits would cost gigabytes.
 */
public final class LevelStore {
    private static final String LEVELS = "levels";
    /** The fact that names the levels of a run that is not finished. */
    private static final String RUN = "levels";

    /** What a finished sweep knows of a level. */
    private record Finished(LevelResult result, List<int[]> written) {}

    private final SweepFolder folder;
    private final SequencedMap<String, Finished> levels = new LinkedHashMap<>();
    private String modelSha256;
    private boolean spilled;
    private double seconds;
    private LevelResult noiseFloor;

    /** @param folder null to keep nothing beyond this object */
    public LevelStore(SweepFolder folder) {
        this.folder = folder;
    }

    /**
     * Reads what earlier runs have finished.
     *
     * @param fingerprint of what this run asks for, without its levels
     * @param progress told when a finished sweep of something else is given up
     * @throws IOException when an unfinished sweep of something else lies in the folder
     */
    public void open(Fingerprint fingerprint, Progress progress) throws IOException {
        if (folder == null) {
            return;
        }
        Fingerprint finished = folder.fingerprint(LEVELS).orElse(null);
        if (finished != null) {
            folder.read(LEVELS, (kept, in) -> read(in));
        }
        Fingerprint unfinished = folder.fingerprint(LayerKeeper.LAYERS).orElse(null);
        if (unfinished == null) {
            // Packed layers that no state speaks of: the process died while it cleaned up, or before its first state.
            folder.remove(LayerKeeper.PACKED);
        } else if (finished != null && isPart(unfinished, finished)) {
            // Its levels were finished; the process died before it could clean up.
            folder.remove(LayerKeeper.LAYERS, LayerKeeper.PACKED);
        } else {
            LayerKeeper.refuse(folder, unfinished, of(fingerprint, unfinished.get(RUN)));
        }
        List<String> differences = finished == null ? List.of() : finished.differences(fingerprint);
        if (!differences.isEmpty()) {
            progress.note("beginning afresh, since the finished sweep in "
                    + folder.path().getParent() + " is another one: " + String.join(", ", differences));
            levels.clear();
            seconds = 0;
            spilled = false;
            folder.remove(LEVELS);
        } else if (finished != null) {
            progress.note(levels.size() + " levels in " + folder.path().getParent() + " are finished: "
                    + String.join(", ", levels.keySet()) + "; --fresh measures them again");
        }
    }

    private boolean isPart(Fingerprint unfinished, Fingerprint finished) {
        String run = unfinished.get(RUN);
        return unfinished.differences(of(finished, run)).isEmpty()
                && levels.keySet().containsAll(Arrays.asList(run.split(",")));
    }

    /** Whether what is kept in a folder has the same fingerprint but for one fact; false where nothing is kept. */
    public static boolean differsOnlyIn(String fact, SweepFolder folder, Fingerprint now) throws IOException {
        if (folder == null) {
            return false;
        }
        for (String file : List.of(LayerKeeper.LAYERS, LEVELS)) {
            Fingerprint kept = folder.fingerprint(file).orElse(null);
            if (kept != null) {
                Fingerprint same = kept.get(RUN) == null ? now : of(now, kept.get(RUN));
                List<String> differences = kept.differences(same);
                return differences.size() == 1 && differences.getFirst().startsWith(fact);
            }
        }
        return false;
    }

    /** Forgets all that a folder keeps. */
    public static void forget(SweepFolder folder) throws IOException {
        folder.remove(LayerKeeper.LAYERS, LayerKeeper.PACKED, LEVELS);
    }

    /** What has to run so that {@code wanted} are known: nothing, or the reference, which is the first, and what is missing. */
    public List<String> missing(List<String> wanted) {
        List<String> missing = new ArrayList<>();
        for (String level : wanted) {
            if (!levels.containsKey(level)) {
                missing.add(level);
            }
        }
        if (!missing.isEmpty() && !missing.contains(wanted.getFirst())) {
            missing.addFirst(wanted.getFirst());
        }
        return missing;
    }

    /** The fingerprint of a run of some levels. */
    public static Fingerprint of(Fingerprint fingerprint, List<String> levels) {
        return of(fingerprint, String.join(",", levels));
    }

    private static Fingerprint of(Fingerprint fingerprint, String levels) {
        Fingerprint whole = new Fingerprint();
        fingerprint.facts().forEach(whole::with);
        return whole.with(RUN, levels);
    }

    /**
     * Adds what a sweep found and makes it durable.
     *
     * @throws IOException when the reference has other scores than in the run before
     */
    public void add(Sweep sweep, List<LevelResult> results, Fingerprint fingerprint) throws IOException {
        Finished before = levels.get(results.getFirst().name());
        if (before != null
                && !(sweep.modelSha256().equals(modelSha256)
                        && Arrays.equals(
                                before.result.scores().nll(),
                                results.getFirst().scores().nll()))) {
            throw new IOException("the reference has other scores than when the levels in "
                    + folder.path().getParent()
                    + " were measured: weights, machine or program have changed; measure all levels again with"
                    + " --fresh");
        }
        for (int l = 0; l < results.size(); l++) {
            LevelResult result = results.get(l);
            List<int[]> texts =
                    sweep.written().isEmpty() ? List.of() : sweep.written().get(l);
            // The reference as it now is: alone in a run, it was not asked for what only comparisons need.
            if (l == 0) {
                levels.put(result.name(), new Finished(result, texts));
            } else {
                levels.putIfAbsent(result.name(), new Finished(result, texts));
            }
        }
        modelSha256 = sweep.modelSha256();
        spilled |= sweep.spilled();
        seconds += sweep.seconds();
        noiseFloor = sweep.noiseFloor();
        if (folder != null) {
            folder.write(LEVELS, fingerprint, this::write);
            folder.remove(LayerKeeper.LAYERS, LayerKeeper.PACKED);
        }
    }

    /** Results of some levels that are known, in the order asked for. */
    public List<LevelResult> results(List<String> wanted) {
        return wanted.stream().map(level -> levels.get(level).result).toList();
    }

    /** What those levels wrote; empty lists where nothing was to be written. */
    public List<List<int[]>> written(List<String> wanted) {
        return wanted.stream().map(level -> levels.get(level).written).toList();
    }

    /** SHA-256 of the model's tensors. */
    public String modelSha256() {
        return modelSha256;
    }

    /** Whether some hidden states went to a file. */
    public boolean spilled() {
        return spilled;
    }

    /** The reference with rounding noise; null where none was asked for. */
    public LevelResult noiseFloor() {
        return noiseFloor;
    }

    /** Wall time of all runs. */
    public double seconds() {
        return seconds;
    }

    private void write(DataOutputStream out) throws IOException {
        out.writeUTF(modelSha256);
        out.writeBoolean(spilled);
        out.writeDouble(seconds);
        out.writeBoolean(noiseFloor != null);
        if (noiseFloor != null) {
            StateFormat.write(out, noiseFloor);
        }
        out.writeInt(levels.size());
        for (Finished finished : levels.values()) {
            StateFormat.write(out, finished.result);
            out.writeInt(finished.written.size());
            for (int[] text : finished.written) {
                StateFormat.write(out, text);
            }
        }
    }

    private LevelStore read(DataInputStream in) throws IOException {
        modelSha256 = in.readUTF();
        spilled = in.readBoolean();
        seconds = in.readDouble();
        noiseFloor = in.readBoolean() ? StateFormat.result(in) : null;
        int count = in.readInt();
        for (int l = 0; l < count; l++) {
            LevelResult result = StateFormat.result(in);
            List<int[]> texts = new ArrayList<>();
            for (int left = in.readInt(); left > 0; left--) {
                texts.add(StateFormat.ints(in));
            }
            levels.put(result.name(), new Finished(result, texts));
        }
        return this;
    }
}
