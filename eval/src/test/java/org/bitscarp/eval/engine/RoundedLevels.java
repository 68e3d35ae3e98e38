package org.bitscarp.eval.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Map;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solvers;
import org.bitscarp.quant.transform.BasisChange;

/** Packed models without a sweep. */
final class RoundedLevels {
    private RoundedLevels() {}

    /** One level: all linear maps in one format, rounded to nearest. */
    static PackedLevels of(BlockFormat format, int layers, WeightReader reader, Path folder) throws IOException {
        PackedLevels levels = new PackedLevels(0, 0, folder);
        try (Arena arena = Arena.ofShared()) {
            Map<TensorRole, DenseMatrix> host = reader.allocateLayer(arena);
            for (int layer = 0; layer < layers; layer++) {
                reader.layer(layer, host);
                for (TensorRole role : host.keySet()) {
                    if (role.linear()) {
                        DenseMatrix w = host.get(role);
                        PackedMatrix packed = PackedMatrix.allocate(format, w.rows(), w.columns(), arena);
                        Solvers.RTN.prepare(w, null, packed).solve(0, w.rows(), new SolveStats());
                        levels.keep(0, layer, role, packed, BasisChange.NONE);
                    }
                }
            }
        }
        return levels;
    }
}
