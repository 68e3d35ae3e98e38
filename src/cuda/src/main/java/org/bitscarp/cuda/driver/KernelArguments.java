package org.bitscarp.cuda.driver;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** Arguments of one launch, in the order of the kernel's parameters. */
public final class KernelArguments {
    private enum Kind {
        POINTER("a pointer"),
        INT("an int"),
        LONG("a long"),
        FLOAT("a float"),
        DOUBLE("a double");

        final String words;

        Kind(String words) {
            this.words = words;
        }

        boolean fits(KernelParameter p) {
            return switch (this) {
                case POINTER -> p.bytes() == 8 && !p.type().equals("f64");
                case LONG -> p.bytes() == 8 && !p.type().equals("f64") && !p.pointer();
                case INT -> p.bytes() == 4 && !p.type().equals("f32");
                case FLOAT -> p.type().equals("f32");
                case DOUBLE -> p.type().equals("f64");
            };
        }
    }

    private record Argument(Kind kind, long bits) {}

    private final List<Argument> arguments = new ArrayList<>();

    private KernelArguments() {}

    public static KernelArguments start() {
        return new KernelArguments();
    }

    /** A device address; 0 is allowed and stands for none. */
    public KernelArguments pointer(long address) {
        return add(Kind.POINTER, address);
    }

    public KernelArguments integer(int value) {
        return add(Kind.INT, value);
    }

    public KernelArguments long64(long value) {
        return add(Kind.LONG, value);
    }

    public KernelArguments float32(float value) {
        return add(Kind.FLOAT, Float.floatToRawIntBits(value));
    }

    public KernelArguments float64(double value) {
        return add(Kind.DOUBLE, Double.doubleToRawLongBits(value));
    }

    private KernelArguments add(Kind kind, long bits) {
        arguments.add(new Argument(kind, bits));
        return this;
    }

    /**
     * The bytes of all parameters as the kernel reads them.
     *
     * @throws IllegalArgumentException when number or types differ from the signature
     */
    public ByteBuffer layout(EntrySignature signature) {
        List<KernelParameter> parameters = signature.parameters();
        if (parameters.size() != arguments.size()) {
            throw new IllegalArgumentException("kernel " + signature.name() + " takes " + parameters.size()
                    + " arguments, not " + arguments.size());
        }
        ByteBuffer bytes =
                ByteBuffer.allocateDirect(Math.max(8, signature.bytes())).order(ByteOrder.nativeOrder());
        for (int i = 0; i < parameters.size(); i++) {
            KernelParameter p = parameters.get(i);
            Argument a = arguments.get(i);
            if (!a.kind.fits(p)) {
                throw new IllegalArgumentException("argument " + i + " of kernel " + signature.name() + " is "
                        + a.kind.words + ", its parameter is ." + p.type() + (p.pointer() ? " pointer" : ""));
            }
            if (p.bytes() == 8) {
                bytes.putLong(p.offset(), a.bits);
            } else {
                bytes.putInt(p.offset(), (int) a.bits);
            }
        }
        return bytes;
    }
}
