package org.bitscarp.eval.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.foreign.SegmentAllocator;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.eval.resume.DurableFile;
import org.bitscarp.eval.resume.Fingerprint;
import org.bitscarp.eval.resume.SweepFolder;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.gptq.Hessian;

/**
 * What a full-precision calibration pass finds, kept in a folder, one checksummed file per layer: second moments (the upper
 * triangle, 2·n·(n + 1) bytes for n channels), mean squares and token counts of every input, bit for bit. Once all layers
 * are there, other runs of the same model on the same text read them and need no pass.
 */
public final class KeptHessians implements AutoCloseable {
    private static final String LAYER = "layer-";

    private final SweepFolder folder;
    private final Fingerprint fingerprint;
    private final Checkpoint checkpoint;
    private final boolean complete;

    private KeptHessians(SweepFolder folder, Fingerprint fingerprint, Checkpoint checkpoint, boolean complete) {
        this.folder = folder;
        this.fingerprint = fingerprint;
        this.checkpoint = checkpoint;
        this.complete = complete;
    }

    /**
     * Takes a folder for this process.
     *
     * @param fingerprint of everything that statistics depend on
     * @throws IOException naming what differs, when statistics of something else are kept there
     */
    public static KeptHessians open(Path path, Fingerprint fingerprint, Checkpoint checkpoint) throws IOException {
        SweepFolder folder = SweepFolder.lockPlain(path, "--hessians");
        try {
            boolean complete = true;
            for (int layer = 0; layer < checkpoint.spec().layers(); layer++) {
                Fingerprint kept = folder.fingerprint(LAYER + layer).orElse(null);
                complete &= kept != null;
                List<String> differences = kept == null ? List.of() : kept.differences(fingerprint);
                if (!differences.isEmpty()) {
                    throw new IOException("--hessians " + path + " keeps the statistics of another calibration: "
                            + String.join(", ", differences) + "; give another folder, or delete this one");
                }
            }
            return new KeptHessians(folder, fingerprint, checkpoint, complete);
        } catch (IOException | RuntimeException e) {
            folder.close();
            throw e;
        }
    }

    /** Whether all layers were there when the folder was opened, so that no calibration pass is needed. */
    boolean complete() {
        return complete;
    }

    void write(int layer, Importance importance) throws IOException {
        folder.write(LAYER + layer, fingerprint, out -> {
            out.writeInt(importance.overall().size());
            for (Map.Entry<TensorRole, float[]> input : importance.overall().entrySet()) {
                out.writeUTF(input.getKey().name());
                write(out, input.getValue());
                Map<Integer, float[]> experts = importance.ofExperts().get(input.getKey());
                out.writeInt(experts.size());
                for (Map.Entry<Integer, float[]> expert : experts.entrySet()) {
                    out.writeInt(expert.getKey());
                    out.writeLong(importance.rows().get(input.getKey()).get(expert.getKey()));
                    write(out, expert.getValue());
                    triangle(
                            out,
                            importance
                                    .moments()
                                    .get(input.getKey())
                                    .get(expert.getKey())
                                    .host()
                                    .values());
                }
            }
        });
    }

    private static void write(DataOutputStream out, float[] values) throws IOException {
        for (float value : values) {
            out.writeFloat(value);
        }
    }

    private static void triangle(DataOutputStream out, DenseMatrix values) throws IOException {
        long n = values.rows();
        for (long i = 0; i < n; i++) {
            DurableFile.writeSegment(out, values.data().asSlice(4 * (i * n + i), 4 * (n - i)));
        }
    }

    /**
     * Statistics of a layer.
     *
     * @param memory for second moments and their factors
     * @throws IOException naming the file when it is damaged or does not fit the model
     */
    Importance read(int layer, SegmentAllocator memory) throws IOException {
        return folder.read(LAYER + layer, (kept, in) -> read(layer, in, memory))
                .orElseThrow(
                        () -> new IOException(folder.path() + " has lost " + LAYER + layer + " while it was in use"));
    }

    private Importance read(int layer, DataInputStream in, SegmentAllocator memory) throws IOException {
        Map<TensorRole, float[]> overall = new EnumMap<>(TensorRole.class);
        Map<TensorRole, Map<Integer, float[]>> ofExperts = new EnumMap<>(TensorRole.class);
        Map<TensorRole, Map<Integer, HessianSums.Moments>> moments = new EnumMap<>(TensorRole.class);
        Map<TensorRole, Map<Integer, Long>> rows = new EnumMap<>(TensorRole.class);
        for (int left = in.readInt(); left > 0; left--) {
            TensorRole role = role(layer, in.readUTF());
            int columns =
                    Math.toIntExact(checkpoint.weight(role, layer).orElseThrow().columns());
            int most = role.perExpert() ? checkpoint.spec().mlp().experts() : 1;
            overall.put(role, floats(in, columns));
            ofExperts.put(role, new HashMap<>());
            moments.put(role, new HashMap<>());
            rows.put(role, new HashMap<>());
            for (int experts = in.readInt(); experts > 0; experts--) {
                int expert = in.readInt();
                if (expert < 0 || expert >= most || ofExperts.get(role).containsKey(expert)) {
                    throw foreign(layer, "expert " + expert + " of " + most + " at " + role);
                }
                rows.get(role).put(expert, in.readLong());
                ofExperts.get(role).put(expert, floats(in, columns));
                moments.get(role).put(expert, new HessianSums.Moments(triangle(in, columns, memory), null));
            }
        }
        return new Importance(overall, ofExperts, moments, rows);
    }

    private TensorRole role(int layer, String name) throws IOException {
        for (TensorRole role : TensorRole.values()) {
            Weight weight = checkpoint.weight(role, layer).orElse(null);
            if (role.name().equals(name) && role.linear() && role.input() == role && weight != null) {
                return role;
            }
        }
        throw foreign(layer, "an input that this model does not have");
    }

    private IOException foreign(int layer, String what) {
        return new IOException(folder.path().resolve(LAYER + layer) + ".bin has " + what + "; delete the folder");
    }

    private static float[] floats(DataInputStream in, int count) throws IOException {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = in.readFloat();
        }
        return values;
    }

    private static Hessian triangle(DataInputStream in, int n, SegmentAllocator memory) throws IOException {
        DenseMatrix values = new DenseMatrix(memory.allocate(4L * n * n, 64), n, n);
        for (long i = 0; i < n; i++) {
            DurableFile.readSegment(in, values.data().asSlice(4 * (i * n + i), 4 * (n - i)));
            for (long j = i + 1; j < n; j++) {
                float value = values.data().getAtIndex(JAVA_FLOAT, i * n + j);
                values.data().setAtIndex(JAVA_FLOAT, j * n + i, value);
            }
        }
        return new Hessian(values, memory);
    }

    /** Lets other processes have the folder. */
    @Override
    public void close() throws IOException {
        folder.close();
    }
}
