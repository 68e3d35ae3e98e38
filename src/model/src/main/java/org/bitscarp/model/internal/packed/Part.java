package org.bitscarp.model.internal.packed;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.SafetensorsType;
import org.bitscarp.model.internal.SafetensorsFiles;
import org.bitscarp.model.internal.weights.MappedFiles;
import org.bitscarp.quant.StoredFormat;

/** One of the tensors that a packed weight consists of. */
record Part(MappedFiles files, SafetensorsFiles.Located located) {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    String name() {
        return located.entry().name();
    }

    List<Long> shape() {
        return located.entry().shape();
    }

    SafetensorsType type() {
        return located.entry().type();
    }

    long byteSize() {
        return located.entry().end() - located.entry().begin();
    }

    /**
     * This part, if it is what the layout asks for.
     *
     * @param why what the shape follows from, for the message
     */
    Part checked(List<Long> shape, String why, SafetensorsType... types) throws ModelException {
        if (!shape().equals(shape)) {
            throw wrong("has shape " + shape() + "; expected " + shape + " (" + why + ")");
        }
        return typed(types);
    }

    /** This part, if it has one of the types. */
    Part typed(SafetensorsType... types) throws ModelException {
        if (!Arrays.asList(types).contains(type())) {
            throw wrong("is " + type() + "; expected "
                    + Arrays.stream(types).map(Enum::name).collect(Collectors.joining(" or ")));
        }
        return this;
    }

    /** A message that begins with file and tensor. */
    ModelException wrong(String what) {
        return new ModelException(located + " " + what);
    }

    /** How the numbers are stored; only where the type is one of floats. */
    StoredFormat format() {
        return type().format().orElseThrow();
    }

    /** All bytes; pages are read when they are touched. */
    MemorySegment map(Arena arena) throws IOException {
        return map(0, byteSize(), arena);
    }

    MemorySegment map(long firstByte, long length, Arena arena) throws IOException {
        return files.map(located.file(), name(), located.entry().begin() + firstByte, length, arena);
    }

    /** All values of a small tensor of floats. */
    float[] floats() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            int count = Math.toIntExact(format().pieceLength() * byteSize() / format().pieceBytes());
            float[] values = new float[count];
            format().decode(map(arena), 0, count, MemorySegment.ofArray(values), 0);
            return values;
        }
    }

    /** All values of a small I32 or I64 tensor, those beyond 32 bits clamped. */
    int[] integers() throws IOException {
        boolean wide = type() == SafetensorsType.I64;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = map(arena);
            int[] values = new int[Math.toIntExact(byteSize() / (wide ? 8 : 4))];
            for (int i = 0; i < values.length; i++) {
                values[i] = wide
                        ? (int) Math.clamp(bytes.getAtIndex(LONG, i), Integer.MIN_VALUE, Integer.MAX_VALUE)
                        : bytes.getAtIndex(INT, i);
            }
            return values;
        }
    }

    /** 32-bit words {@code [first, first + count)} of the tensor. */
    static void words(MemorySegment bytes, long first, int count, int[] target, int at) {
        MemorySegment.copy(bytes, INT, 4 * first, target, at, count);
    }
}
