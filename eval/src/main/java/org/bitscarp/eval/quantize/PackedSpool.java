package org.bitscarp.eval.quantize;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import org.bitscarp.eval.engine.PackedSink;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.export.ExportTensor;
import org.bitscarp.model.export.WeightEncoder;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.StoredFormat;

/**
 * Packed matrices in the order in which a pass makes them, for a writer that wants them in another order: a temporary file
 * that disappears with this object.
 */
final class PackedSpool implements PackedSink, WeightEncoder, AutoCloseable {
    private static final int CHUNK = 1 << 28;

    private record Key(TensorRole role, int layer, int expert) {}

    private record Place(long offset, long rowBytes) {}

    private final FileChannel file;
    private final Map<Key, Place> places = new HashMap<>();
    private long end;

    PackedSpool(Path folder) throws IOException {
        file = FileChannel.open(
                Files.createTempFile(folder, "bitscarp-packed-", ".bin"),
                StandardOpenOption.READ,
                StandardOpenOption.WRITE,
                StandardOpenOption.DELETE_ON_CLOSE);
    }

    @Override
    public void packed(Packed packed) throws IOException {
        PackedMatrix matrix = packed.matrix();
        places.put(
                new Key(packed.role(), packed.layer(), packed.expert()),
                new Place(end, matrix.byteSize() / matrix.rows()));
        for (long at = 0; at < matrix.byteSize(); at += CHUNK) {
            ByteBuffer bytes = matrix.bytes()
                    .asSlice(at, Math.min(CHUNK, matrix.byteSize() - at))
                    .asByteBuffer();
            while (bytes.hasRemaining()) {
                end += file.write(bytes, end);
            }
        }
    }

    /** Rows of a tensor, from the matrices that it consists of. */
    @Override
    public void encode(ExportTensor tensor, StoredFormat format, long firstRow, long rows, MemorySegment target)
            throws IOException {
        for (ExportTensor.Piece piece : tensor.pieces()) {
            Place place = places.get(new Key(piece.role(), tensor.layer(), piece.expert()));
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment matrix =
                        file.map(FileChannel.MapMode.READ_ONLY, place.offset, piece.rows() * place.rowBytes, arena);
                for (long row = 0; row < piece.rows(); row++) {
                    long at = piece.place().applyAsLong(row) - firstRow;
                    if (at >= 0 && at < rows) {
                        MemorySegment.copy(matrix, row * place.rowBytes, target, at * place.rowBytes, place.rowBytes);
                    }
                }
            }
        }
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
