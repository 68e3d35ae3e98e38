package org.bitscarp.eval.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solvers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class QuantizeQueueTest {
    /** With and without vectors, padding and a row's own rounder. */
    private static final List<BlockFormat> FORMATS = List.of("q4_0", "int3:g8", "q8_0", "int2:g24", "bf16").stream()
            .map(word -> Level.parse(word).format())
            .toList();

    private final Checkpoint model = Architectures.of("llama");

    private record Map(Weight weight, BlockFormat format) {}

    private List<Map> maps() {
        List<Map> maps = new ArrayList<>();
        for (int layer = 0; layer < model.spec().layers(); layer++) {
            for (TensorRole role : TensorRole.values()) {
                if (role.linear() && model.weight(role, layer).isPresent()) {
                    Weight weight = model.weight(role, layer).get();
                    maps.add(new Map(weight, FORMATS.get(maps.size() % FORMATS.size())));
                }
            }
        }
        return maps;
    }

    private static QuantizeQueue.Entry entry(Map map, QuantizeQueue.Receiver receiver) {
        return new QuantizeQueue.Entry(
                new HostRows.Range(map.weight, 0, map.weight.rows()),
                weights -> new MatrixQuantizer.Job(weights, map.format, null, null),
                receiver);
    }

    /** Memory is used again for bytes of another layout. */
    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void bytesAreThoseOfEachMatrixAlone(int threads) throws IOException {
        List<Map> maps = maps();
        List<byte[]> found = new ArrayList<>();
        SolveStats stats = new SolveStats();
        try (Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.JAVA, threads);
                Lanes lanes = new Lanes(threads);
                QuantizeQueue queue = new QuantizeQueue(backend, lanes, stats)) {
            for (int i = 0, size = 1; i < maps.size(); i += size, size = size % 3 + 1) {
                List<QuantizeQueue.Entry> group = new ArrayList<>();
                for (Map map : maps.subList(i, Math.min(i + size, maps.size()))) {
                    group.add(entry(map, packed -> {
                        assertSame(map.format, packed.format());
                        found.add(bytes(packed));
                    }));
                }
                queue.add(Solvers.RTN, group);
            }
            queue.finish();
        }
        assertEquals(maps.size(), found.size());
        SolveStats expected = new SolveStats();
        for (int i = 0; i < found.size(); i++) {
            assertArrayEquals(
                    alone(maps.get(i), expected), found.get(i), maps.get(i).toString());
        }
        assertEquals(expected.weights, stats.weights);
        assertEquals(expected.relativeError(), stats.relativeError(), 1e-12);
    }

    private static byte[] alone(Map map, SolveStats stats) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            int rows = Math.toIntExact(map.weight.rows());
            int columns = Math.toIntExact(map.weight.columns());
            DenseMatrix weights = new DenseMatrix(arena.allocate(4L * rows * columns, 64), rows, columns);
            map.weight.read(0, rows, weights.data(), 0);
            PackedMatrix packed = PackedMatrix.allocate(map.format, rows, columns, arena);
            Solvers.RTN.prepare(weights, null, packed).solve(0, rows, stats);
            return bytes(packed);
        }
    }

    private static byte[] bytes(PackedMatrix packed) {
        return packed.bytes().asSlice(0, packed.byteSize()).toArray(ValueLayout.JAVA_BYTE);
    }

    /** Where the bytes cannot be written, lanes have stopped before their memory goes. */
    @Test
    void failureOfAReceiverIsTheCallers() throws IOException {
        IOException full = new IOException("disk full");
        List<Map> maps = maps();
        try (Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.JAVA, 2);
                Lanes lanes = new Lanes(2)) {
            IOException thrown = assertThrows(IOException.class, () -> {
                try (QuantizeQueue queue = new QuantizeQueue(backend, lanes, new SolveStats())) {
                    for (Map map : maps) {
                        queue.add(Solvers.RTN, List.of(entry(map, packed -> {
                            throw full;
                        })));
                    }
                }
            });
            assertSame(full, thrown);
            assertEquals(0, thrown.getSuppressed().length);
        }
    }

    @Test
    void failureOfALaneIsTheCallers() throws IOException {
        IllegalStateException broken = new IllegalStateException("broken");
        try (Lanes lanes = new Lanes(2);
                Lanes.Running running = lanes.start(100, (lane, i) -> {
                    throw broken;
                })) {
            assertSame(broken, assertThrows(IllegalStateException.class, running::join));
        }
    }
}
