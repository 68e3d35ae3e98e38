package org.bitscarp.eval.engine;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.SolveStats;

/** What accumulates for one level while a sweep runs. */
final class LevelTally {
    final Recipe recipe;
    final Level level;

    TokenScores scores;
    final SolveStats stats = new SolveStats();
    /** Per layer Σ‖h − h_ref‖² and Σ‖h_ref‖². */
    final double[] layerDistance;

    final double[] layerNorm;
    long quantizedBytes;
    long quantizedWeights;
    long otherBytes;
    long nanos;
    /** Whether a sink wants to know second moments of inputs that the level itself does without. */
    boolean momentsWanted;

    /** Injected after each layer, or null. */
    final RoundingNoise noise;

    /** @param noise null for none */
    LevelTally(Recipe recipe, RoundingNoise noise, int rows, int layers) {
        this.recipe = recipe;
        this.noise = noise;
        level = recipe.level();
        scores = TokenScores.unscored(rows);
        layerDistance = new double[layers];
        layerNorm = new double[layers];
    }

    void quantized(MatrixQuantizer.Outcome outcome, long weights) {
        stats.add(outcome.stats());
        quantizedBytes += outcome.bytes();
        quantizedWeights += weights;
    }

    /** Counts an expert's matrix that got other experts' importances. */
    void unsampledExpert() {
        stats.fallbacks++;
        stats.unsampled++;
    }

    /** Takes over what went wrong in a matrix that is not one of the quantized ones. */
    void countIrregular(SolveStats other) {
        stats.fallbacks += other.fallbacks;
        stats.nonfinite += other.nonfinite;
    }

    /** Counts a matrix that stays in fp32 as it is. */
    void keptExactly(DenseMatrix weights) {
        stats.weights += weights.size();
        quantizedBytes += 4 * weights.size();
        quantizedWeights += weights.size();
    }

    /** Writes what has been counted so far; token scores only once they are there. */
    void write(DataOutput out, boolean scored) throws IOException {
        StateFormat.write(out, stats);
        StateFormat.write(out, layerDistance);
        StateFormat.write(out, layerNorm);
        out.writeLong(quantizedBytes);
        out.writeLong(quantizedWeights);
        out.writeLong(otherBytes);
        out.writeLong(nanos);
        if (scored) {
            StateFormat.write(out, scores);
        }
    }

    /** Takes over what {@link #write} wrote. */
    void read(DataInput in, boolean scored) throws IOException {
        StateFormat.read(in, stats);
        copy(StateFormat.doubles(in), layerDistance);
        copy(StateFormat.doubles(in), layerNorm);
        quantizedBytes = in.readLong();
        quantizedWeights = in.readLong();
        otherBytes = in.readLong();
        nanos = in.readLong();
        if (scored) {
            scores = StateFormat.scores(in);
        }
    }

    private static void copy(double[] from, double[] to) {
        System.arraycopy(from, 0, to, 0, to.length);
    }

    LevelResult result() {
        double[] errors = new double[layerDistance.length];
        for (int i = 0; i < errors.length; i++) {
            errors[i] = layerDistance[i] == 0 ? 0 : Math.sqrt(layerDistance[i] / layerNorm[i]);
        }
        return new LevelResult(
                recipe.name(),
                recipe.format(),
                level.solver().name(),
                scores,
                quantizedBytes,
                quantizedWeights,
                quantizedBytes + otherBytes,
                stats,
                errors,
                nanos / 1e9);
    }
}
