package org.bitscarp.eval.engine;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.Solver;

/**
 * What each linear map costs in each of several formats: bytes, and the squared error of its output on calibration text,
 * tr((W − Ŵ)·H·(W − Ŵ)ᵀ). All formats are tried in one pass over the layers.
 */
public final class CandidateErrors {
    /** Rows of a matrix that the error is computed on, evenly spaced: it is a mean over rows. */
    private static final int SAMPLE = 512;

    /** The linear maps with one role in a layer; experts together. */
    public record Place(TensorRole role, int layer) {}

    /**
     * A map in one format.
     *
     * @param error squared, of the output, summed over outputs and averaged over tokens
     */
    public record Cost(long bytes, double error) {
        Cost plus(Cost other) {
            return new Cost(bytes + other.bytes, error + other.error);
        }
    }

    private final Checkpoint checkpoint;
    private final Resources resources;
    private final WindowPlan calibration;

    public CandidateErrors(Checkpoint checkpoint, Resources resources, WindowPlan calibration) {
        this.checkpoint = checkpoint;
        this.resources = resources;
        this.calibration = calibration;
    }

    /** Costs of every map in the formats whose blocks fit its rows. */
    public Map<Place, Map<BlockFormat, Cost>> run(List<BlockFormat> formats, Solver solver) throws IOException {
        Map<Place, Map<BlockFormat, Cost>> costs = new LinkedHashMap<>();
        List<LevelTally> tallies = new ArrayList<>();
        for (BlockFormat format : formats) {
            Level level = new Level(format, solver);
            Recipe recipe = Recipe.of(
                    checkpoint,
                    level.toString(),
                    level,
                    (role, layer) -> fits(format, role, layer) ? format : anyFitting(formats, role, layer));
            LevelTally tally = new LevelTally(recipe, null, 0, checkpoint.spec().layers());
            tally.momentsWanted = true;
            tallies.add(tally);
        }
        try (Lanes lanes = resources.newLanes()) {
            new CalibratedPass(checkpoint, resources, calibration)
                    .run(
                            tallies,
                            packed -> {
                                BlockFormat format = packed.matrix().format();
                                if (format.equals(formats.get(packed.level()))) {
                                    costs.computeIfAbsent(
                                                    new Place(packed.role(), packed.layer()),
                                                    place -> new LinkedHashMap<>())
                                            .merge(format, cost(packed), Cost::plus);
                                }
                            },
                            lanes);
        }
        return costs;
    }

    private boolean fits(BlockFormat format, TensorRole role, int layer) {
        return format.supports(
                Math.toIntExact(checkpoint.weight(role, layer).orElseThrow().columns()));
    }

    private BlockFormat anyFitting(List<BlockFormat> formats, TensorRole role, int layer) {
        return formats.stream()
                .filter(format -> fits(format, role, layer))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("none of "
                        + formats.stream().map(BlockFormat::name).toList() + " has blocks that fit the rows of "
                        + checkpoint.weight(role, layer).orElseThrow().name()));
    }

    private static Cost cost(PackedSink.Packed packed) {
        PackedMatrix matrix = packed.matrix();
        int rows = Math.min(SAMPLE, matrix.rows());
        int columns = matrix.columns();
        float[] w = new float[columns];
        float[] q = new float[columns];
        double error = 0;
        try (Arena arena = Arena.ofConfined()) {
            DenseMatrix difference = new DenseMatrix(arena.allocate(4L * rows * columns, 64), rows, columns);
            for (int r = 0; r < rows; r++) {
                int row = (int) ((long) r * matrix.rows() / rows);
                packed.weights().row(row, w);
                matrix.decodeRow(row, q);
                for (int c = 0; c < columns; c++) {
                    q[c] = w[c] - q[c];
                    error += packed.inputs().meanSquares()[c] * q[c] * q[c];
                }
                MemorySegment.copy(q, 0, difference.data(), JAVA_FLOAT, 4L * r * columns, columns);
            }
            // An expert that no token was sent to has mean squares of the others and no second moments.
            if (packed.inputs().hessian() != null) {
                error = packed.inputs().hessian().outputError(difference);
            }
        }
        return new Cost(matrix.byteSize(), error / rows * matrix.rows());
    }
}
