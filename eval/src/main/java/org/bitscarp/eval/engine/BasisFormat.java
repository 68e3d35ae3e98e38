package org.bitscarp.eval.engine;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.bitscarp.quant.transform.Basis;
import org.bitscarp.quant.transform.BasisChange;
import org.bitscarp.quant.transform.Chain;
import org.bitscarp.quant.transform.Heads;
import org.bitscarp.quant.transform.Rotation;
import org.bitscarp.quant.transform.Scaling;

/** How changes of basis are written into state files. */
final class BasisFormat {
    private enum Kind {
        NONE,
        ROTATION,
        HEADS,
        SCALING,
        CHAIN
    }

    private BasisFormat() {}

    static void write(DataOutput out, BasisChange change) throws IOException {
        write(out, change.input());
        write(out, change.output());
    }

    static BasisChange read(DataInput in) throws IOException {
        Basis input = basis(in);
        return new BasisChange(input, basis(in));
    }

    private static void write(DataOutput out, Basis basis) throws IOException {
        switch (basis) {
            case null -> out.writeByte(Kind.NONE.ordinal());
            case Rotation rotation -> {
                out.writeByte(Kind.ROTATION.ordinal());
                out.writeInt(rotation.size());
                out.writeLong(rotation.seed());
            }
            case Heads heads -> {
                out.writeByte(Kind.HEADS.ordinal());
                write(out, heads.head());
                out.writeInt(heads.count());
            }
            case Scaling scaling -> {
                out.writeByte(Kind.SCALING.ordinal());
                out.writeInt(scaling.size());
                for (float factor : scaling.factors()) {
                    out.writeFloat(factor);
                }
            }
            case Chain chain -> {
                out.writeByte(Kind.CHAIN.ordinal());
                out.writeInt(chain.steps().size());
                for (Basis step : chain.steps()) {
                    write(out, step);
                }
            }
            default ->
                throw new IllegalStateException("a basis that state files have no word for: " + basis.getClass());
        }
    }

    private static Basis basis(DataInput in) throws IOException {
        return switch (Kind.values()[in.readByte()]) {
            case NONE -> null;
            case ROTATION -> new Rotation(in.readInt(), in.readLong());
            case HEADS -> new Heads((Basis.Orthogonal) basis(in), in.readInt());
            case SCALING -> {
                float[] factors = new float[in.readInt()];
                for (int i = 0; i < factors.length; i++) {
                    factors[i] = in.readFloat();
                }
                yield new Scaling(factors);
            }
            case CHAIN -> {
                Basis[] steps = new Basis[in.readInt()];
                for (int i = 0; i < steps.length; i++) {
                    steps[i] = basis(in);
                }
                yield Chain.of(steps);
            }
        };
    }
}
