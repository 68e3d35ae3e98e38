package org.bitscarp.eval.quantize;

import java.io.IOException;
import java.nio.file.Path;
import org.bitscarp.eval.engine.FoldedCheckpoint;
import org.bitscarp.eval.engine.QuantizePass;
import org.bitscarp.eval.engine.Recipe;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.model.export.GptqExport;
import org.bitscarp.model.export.GptqPlan;
import org.bitscarp.model.export.GptqSummary;
import org.bitscarp.quant.GroupedInt;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.NumberFormat;
import org.bitscarp.quant.gptq.GptqOptions;

/** Quantizes a model into a folder of GPTQ safetensors. */
public final class GptqQuantizer {
    private final GgufQuantizer.Means means;

    public GptqQuantizer(GgufQuantizer.Means means) {
        this.means = means;
    }

    /**
     * Writes the folder; it appears when it is complete.
     *
     * @param version 1 or 2
     * @param folder does not exist yet, or is empty
     * @throws IllegalArgumentException for a format that is no grouped integer
     */
    public QuantizeSummary run(Checkpoint checkpoint, Level level, int version, Path folder) throws IOException {
        long started = System.nanoTime();
        if (!(level.format() instanceof GroupedInt format)) {
            throw new IllegalArgumentException("a GPTQ folder holds integers in groups (int2, int3, int4, int8), not "
                    + level.format().name() + "; for that, name a file that ends with .gguf");
        }
        FoldedCheckpoint folded = FoldedCheckpoint.of(checkpoint, level);
        QuantizePass pass = new QuantizePass(
                        checkpoint, means.resources(), Recipe.of(checkpoint, level), means.calibration())
                .importances(means.given(), means.seen());
        try (PackedSpool spool = new PackedSpool(means.resources().spillFolder())) {
            // Damping is recorded for readers who want to know; no reader's result depends on it.
            double damping = level.solver().needsHessian() ? GptqOptions.BEST.damping() : 0;
            GptqPlan.History history = new GptqPlan.History(means.program().replace(' ', ':'), damping, false, false);
            GptqPlan plan = GptqPlan.uniform(version, format, spool, history).withHalfTables();
            GptqExport.check(checkpoint, folder, plan);
            pass.linearMaps(packed -> {
                folded.carry(packed.layer(), packed.role(), packed.change());
                spool.packed(packed);
            });
            GptqSummary written = GptqExport.write(checkpoint, folder, plan.with(folded.rewritten()));
            return summary(folded, level, written, pass, folder, started);
        }
    }

    private static boolean table(TensorRole role) {
        return role == TensorRole.EMBEDDING || role == TensorRole.HEAD;
    }

    private static QuantizeSummary summary(
            Checkpoint checkpoint, Level level, GptqSummary written, QuantizePass pass, Path folder, long started) {
        QuantizeSummary.Builder summary = new QuantizeSummary.Builder();
        for (TensorRole role : TensorRole.values()) {
            for (int layer = 0; layer < (role.inLayer() ? checkpoint.spec().layers() : 1); layer++) {
                Weight weight = checkpoint.weight(role, layer).orElse(null);
                if (weight == null) {
                    continue;
                }
                int columns = Math.toIntExact(weight.columns());
                if (role.linear()) {
                    summary.add(
                            level.format().name(),
                            weight.size(),
                            weight.rows() * level.format().rowBytes(columns));
                } else if (table(role) && weight.bitsPerValue() > 16) {
                    summary.add(NumberFormat.FP16.name(), weight.size(), 2 * weight.size());
                } else {
                    summary.add(weight.formatName(), weight.size(), weight.byteSize());
                }
            }
        }
        if (written.wrapped() > 0) {
            summary.note(written.wrapped() + " zero points are 0, which version 1 stores as the largest code; some"
                    + " kernels read that wrongly. Use --gptq-format v2.");
        }
        return summary.build(
                folder, level.toString(), written.bytes(), pass.stats(), (System.nanoTime() - started) / 1e9);
    }
}
