package org.bitscarp.eval.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.DenseMatrix;

/**
 * Weights in fp32 on the host for as long as they are worked on: mapped where they lie in the file like that, else decoded by
 * all lanes into memory that is used again and again, since the system clears fresh memory first.
 */
final class HostRows implements AutoCloseable {
    private final Lanes lanes;
    private final ReusedMemory memory = new ReusedMemory();

    HostRows(Lanes lanes) {
        this.lanes = lanes;
    }

    /** Rows {@code [first, first + count)} of a weight. */
    record Range(Weight weight, long first, long count) {
        private long bytes() {
            return Float.BYTES * count * weight.columns();
        }
    }

    /** Where a lane's share of a range goes. */
    private record Piece(Range range, MemorySegment target, long from, long count) {
        void read() throws IOException {
            long columns = range.weight.columns();
            range.weight.read(range.first + from, count, target, Float.BYTES * from * columns);
        }
    }

    /**
     * Reads ranges, in place of those that were read before.
     *
     * @param mappings that what is mapped lives as long as
     */
    List<DenseMatrix> read(List<Range> ranges, Arena mappings) throws IOException {
        List<Optional<MemorySegment>> found = new ArrayList<>();
        long bytes = 0;
        for (Range range : ranges) {
            Optional<MemorySegment> mapped = range.weight.mapped(range.first, range.count, mappings);
            found.add(mapped);
            bytes += mapped.isPresent() ? 0 : range.bytes();
        }
        MemorySegment decoded = memory.take(bytes);
        List<DenseMatrix> matrices = new ArrayList<>();
        List<Piece> pieces = new ArrayList<>();
        long used = 0;
        for (int i = 0; i < ranges.size(); i++) {
            Range range = ranges.get(i);
            MemorySegment values = found.get(i).orElse(null);
            if (values == null) {
                values = decoded.asSlice(used, range.bytes());
                used += range.bytes();
                long step = Math.max(1, Math.ceilDiv(range.count, lanes.count()));
                for (long from = 0; from < range.count; from += step) {
                    pieces.add(new Piece(range, values, from, Math.min(step, range.count - from)));
                }
            }
            matrices.add(
                    new DenseMatrix(values, Math.toIntExact(range.count), Math.toIntExact(range.weight.columns())));
        }
        lanes.forEach(pieces.size(), (lane, i) -> pieces.get(i).read());
        return matrices;
    }

    @Override
    public void close() {
        memory.close();
    }
}
