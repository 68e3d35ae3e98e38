package org.bitscarp.eval.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import org.bitscarp.compute.Backend;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.SolveStats;

/** Hidden states in front of the first layer: embedding rows of a sweep's tokens, per level in the level's format. */
record FirstStates(Backend backend, Checkpoint checkpoint, TableInputs tables, WeightReader reader, Lanes lanes) {
    /**
     * Writes all of them.
     *
     * @param states of each tally, on the windows of {@code plan}
     * @param calibrationPlan windows that importances are gathered on, or null
     * @param calibration states on them, of full precision and of sequential levels; or null
     */
    void write(
            WindowPlan plan,
            List<LevelTally> tallies,
            HiddenStates states,
            WindowPlan calibrationPlan,
            HiddenStates calibration)
            throws IOException {
        DecoderSpec spec = checkpoint.spec();
        try (Arena arena = Arena.ofShared()) {
            List<int[]> texts = new ArrayList<>();
            plan.units().forEach(u -> texts.add(u.tokens()));
            if (calibrationPlan != null) {
                calibrationPlan.units().forEach(u -> texts.add(u.tokens()));
            }
            Embeddings embeddings = new Embeddings(reader, spec, texts, arena);
            DenseMatrix positions = Embeddings.positions(reader, checkpoint, arena);
            MatrixQuantizer quantizer = new MatrixQuantizer(backend, lanes);
            for (int l = 0; l < tallies.size(); l++) {
                SolveStats stats = new SolveStats();
                DenseMatrix rows = embeddings.in(tables.embedding(tallies.get(l).recipe), quantizer, arena, stats);
                embeddings.write(rows, positions, plan, states, l, lanes);
                if (!spec.tiedHead()) {
                    tallies.get(l).countIrregular(stats);
                }
            }
            if (calibrationPlan != null) {
                DenseMatrix rows = embeddings.in(null, arena, new SolveStats());
                for (int state = 0; state < CalibrationForward.states(tallies); state++) {
                    embeddings.write(rows, positions, calibrationPlan, calibration, state, lanes);
                }
            }
        }
        if (!spec.tiedHead()) {
            // The table's other rows are in no text, but they are part of what the digest names.
            reader.digestOnly(TensorRole.EMBEDDING);
        }
    }
}
