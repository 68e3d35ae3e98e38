package org.bitscarp.eval.engine;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.bitscarp.quant.SolveStats;

/** How results of levels, finished or not, are written into state files; every bit comes back. */
final class StateFormat {
    private StateFormat() {}

    static void write(DataOutput out, double[] values) throws IOException {
        out.writeInt(values.length);
        for (double value : values) {
            out.writeDouble(value);
        }
    }

    static double[] doubles(DataInput in) throws IOException {
        double[] values = new double[in.readInt()];
        for (int i = 0; i < values.length; i++) {
            values[i] = in.readDouble();
        }
        return values;
    }

    static void write(DataOutput out, int[] values) throws IOException {
        out.writeInt(values.length);
        for (int value : values) {
            out.writeInt(value);
        }
    }

    static int[] ints(DataInput in) throws IOException {
        int[] values = new int[in.readInt()];
        for (int i = 0; i < values.length; i++) {
            values[i] = in.readInt();
        }
        return values;
    }

    static void write(DataOutput out, SolveStats stats) throws IOException {
        out.writeDouble(stats.squaredError);
        out.writeDouble(stats.squaredWeights);
        out.writeLong(stats.weights);
        out.writeLong(stats.nonfinite);
        out.writeLong(stats.fallbacks);
        out.writeLong(stats.unsampled);
    }

    static void read(DataInput in, SolveStats stats) throws IOException {
        stats.squaredError = in.readDouble();
        stats.squaredWeights = in.readDouble();
        stats.weights = in.readLong();
        stats.nonfinite = in.readLong();
        stats.fallbacks = in.readLong();
        stats.unsampled = in.readLong();
    }

    static void write(DataOutput out, TokenScores scores) throws IOException {
        write(out, scores.nll());
        write(out, scores.kld());
        for (int i = 0; i < scores.nll().length; i++) {
            out.writeFloat(scores.confidence()[i]);
            out.writeBoolean(scores.sameTop1()[i]);
            out.writeByte(scores.sharedTop5()[i]);
        }
    }

    static TokenScores scores(DataInput in) throws IOException {
        double[] nll = doubles(in);
        double[] kld = doubles(in);
        TokenScores scores =
                new TokenScores(nll, kld, new float[nll.length], new boolean[nll.length], new byte[nll.length]);
        for (int i = 0; i < nll.length; i++) {
            scores.confidence()[i] = in.readFloat();
            scores.sameTop1()[i] = in.readBoolean();
            scores.sharedTop5()[i] = in.readByte();
        }
        return scores;
    }

    static void write(DataOutput out, LevelResult result) throws IOException {
        out.writeUTF(result.name());
        out.writeUTF(result.format());
        out.writeUTF(result.solver());
        write(out, result.scores());
        out.writeLong(result.quantizedBytes());
        out.writeLong(result.quantizedWeights());
        out.writeLong(result.modelBytes());
        write(out, result.stats());
        write(out, result.layerErrors());
        out.writeDouble(result.seconds());
    }

    static LevelResult result(DataInput in) throws IOException {
        String name = in.readUTF();
        String format = in.readUTF();
        String solver = in.readUTF();
        TokenScores scores = scores(in);
        long quantizedBytes = in.readLong();
        long quantizedWeights = in.readLong();
        long modelBytes = in.readLong();
        SolveStats stats = new SolveStats();
        read(in, stats);
        return new LevelResult(
                name,
                format,
                solver,
                scores,
                quantizedBytes,
                quantizedWeights,
                modelBytes,
                stats,
                doubles(in),
                in.readDouble());
    }
}
