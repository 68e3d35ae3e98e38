package org.bitscarp.eval.engine;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.compute.MomentPrecision;
import org.bitscarp.eval.protocol.Protocol;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.quant.Level;
import org.junit.jupiter.api.Assumptions;

/** Short ways to run the engine in tests. */
final class Measurements {
    static final long PLENTY = 4L << 30;

    private Measurements() {}

    static Path checkout() {
        return Path.of(System.getProperty("bitscarp.checkout", ".."));
    }

    static Path builtinModel() {
        return checkout().resolve("datasets/models/prose-6m");
    }

    static Resources resources(Backend backend) {
        return resources(backend, PLENTY);
    }

    static Resources resources(Backend backend, long memory) {
        return new Resources(backend, memory, Path.of(System.getProperty("java.io.tmpdir")), Progress.NONE);
    }

    /** A backend that sums second moments so, or the test is skipped with the reason. */
    static CpuBackend summing(MomentPrecision precision, int lanes) {
        try {
            return CpuBackend.create(CpuBackend.MatrixProduct.AUTO, lanes, Optional.of(precision));
        } catch (IllegalStateException e) {
            System.out.println("SKIPPED: " + e.getMessage());
            return Assumptions.abort(e.getMessage());
        }
    }

    static WindowPlan plan(int[] tokens, int context) {
        return new WindowPlan(tokens, -1, false, List.of(Protocol.of(Protocol.Kind.GPTQ, context, 0)));
    }

    static List<LevelResult> run(Checkpoint checkpoint, Backend backend, WindowPlan plan, String levels, long memory)
            throws IOException {
        return run(checkpoint, backend, plan, null, levels, memory);
    }

    static List<LevelResult> run(
            Checkpoint checkpoint, Backend backend, WindowPlan plan, WindowPlan calibration, String levels, long memory)
            throws IOException {
        return new Sweep(
                        checkpoint,
                        resources(backend, memory),
                        plan,
                        calibration,
                        Recipe.of(checkpoint, Level.parseList(levels)))
                .run();
    }
}
