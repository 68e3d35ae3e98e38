package org.bitscarp.eval.engine;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.eval.stats.MeanDivergence;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.ForwardingCheckpoint;
import org.bitscarp.model.ForwardingWeight;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.FloatFormat;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.PackedMatrix;
import org.bitscarp.quant.SolveStats;
import org.bitscarp.quant.Solvers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Embedding and output projection whose codes a solver chooses. */
class TableInputsTest {
    private static Checkpoint open(String model) throws IOException {
        return Checkpoints.open(
                model.equals("builtin")
                        ? Measurements.builtinModel()
                        : Path.of("src/test/resources/fixtures").resolve(model));
    }

    private static WindowPlan windows(Checkpoint model, long seed) {
        return Measurements.plan(
                new SplittableRandom(seed)
                        .ints(8 * 64, 0, model.spec().vocabulary())
                        .toArray(),
                64);
    }

    private static BlockFormat format(String word) {
        return Level.parse(word).format();
    }

    /** Linear maps as they are, tables in blocks. */
    private static Recipe recipe(Checkpoint model, String level, String embedding, String head) {
        return Recipe.of(model, level, Level.parse(level), (role, layer) -> FloatFormat.FP32)
                .withTables(format(embedding), format(head));
    }

    private static final Recipe FULL_PRECISION = Recipe.ofMaps(Level.parse("fp32"));

    private static List<LevelResult> sweep(Checkpoint model, int lanes, Recipe... levels) throws IOException {
        try (Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.AUTO, lanes)) {
            return new Sweep(
                            model,
                            Measurements.resources(backend),
                            windows(model, 1),
                            windows(model, 2),
                            List.of(levels))
                    .run();
        }
    }

    /** The tables of a file. */
    private static Map<TensorRole, PackedMatrix> tables(Checkpoint model, Recipe recipe, Arena arena)
            throws IOException {
        Map<TensorRole, PackedMatrix> tables = new EnumMap<>(TensorRole.class);
        try (Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.AUTO, 2)) {
            QuantizePass pass = new QuantizePass(model, Measurements.resources(backend), recipe, windows(model, 2));
            pass.linearMaps(packed -> {});
            for (TensorRole role : List.of(TensorRole.EMBEDDING, TensorRole.HEAD)) {
                Weight table = model.weight(role, 0).orElse(null);
                BlockFormat format = role == TensorRole.HEAD ? recipe.head() : recipe.embedding();
                if (table != null) {
                    PackedMatrix whole = PackedMatrix.allocate(
                            format, Math.toIntExact(table.rows()), Math.toIntExact(table.columns()), arena);
                    pass.table(
                            table,
                            role,
                            format,
                            (first, rows) -> MemorySegment.copy(
                                    rows.bytes(),
                                    0,
                                    whole.bytes(),
                                    first * format.rowBytes(rows.columns()),
                                    rows.byteSize()));
                    tables.put(role, whole);
                }
            }
        }
        return tables;
    }

    /** A model that has a file's tables. */
    private static Checkpoint withTables(Checkpoint model, Map<TensorRole, PackedMatrix> tables) {
        return new ForwardingCheckpoint(model) {
            @Override
            public Optional<Weight> weight(TensorRole role, int layer) {
                Optional<Weight> weight = plain.weight(role, layer);
                PackedMatrix packed = tables.get(role);
                return packed == null ? weight : weight.map(own -> decoded(own, packed));
            }
        };
    }

    private static Weight decoded(Weight own, PackedMatrix packed) {
        return new ForwardingWeight(own) {
            @Override
            public void read(long firstRow, long rows, MemorySegment target, long offset) {
                float[] w = new float[packed.columns()];
                for (int r = 0; r < rows; r++) {
                    packed.decodeRow(Math.toIntExact(firstRow) + r, w);
                    MemorySegment.copy(w, 0, target, JAVA_FLOAT, offset + 4L * r * w.length, w.length);
                }
            }
        };
    }

    @ParameterizedTest
    @CsvSource({
        "gemma3, int3:g8:gptq, int3:g8, int3:g8",
        "llama-gqa, int3:g8:gptaq, int4:g8, int4:g8",
        "llama-untied, int3:g32:gptq, int4:g32, int3:g32"
    })
    void aSweepScoresTheTablesOfTheFile(String name, String level, String embedding, String head) throws IOException {
        try (Checkpoint model = open(name);
                Arena arena = Arena.ofShared()) {
            Recipe recipe = recipe(model, level, embedding, head);
            Map<TensorRole, PackedMatrix> tables = tables(model, recipe, arena);
            double[] scored =
                    sweep(model, 3, FULL_PRECISION, recipe).getLast().scores().nll();
            double[] ofFile = sweep(withTables(model, tables), 1, FULL_PRECISION)
                    .getFirst()
                    .scores()
                    .nll();
            assertArrayEquals(ofFile, scored);
        }
    }

    @ParameterizedTest
    @CsvSource({"builtin, q4_k, 0.8", "llama-untied, int3:g32, 0.9"})
    void whatIsChosenLosesLessThanWhatIsRounded(String name, String format, double share) throws IOException {
        try (Checkpoint model = open(name)) {
            String embedding = model.spec().tiedHead() ? format : "int8:g32";
            Recipe rounded = recipe(model, "int3:g32", embedding, format);
            List<LevelResult> levels =
                    sweep(model, 2, FULL_PRECISION, rounded, recipe(model, "int3:g32:gptq", embedding, format));
            double chosen = divergence(model, levels.get(2));
            double nearest = divergence(model, levels.get(1));
            assertTrue(chosen < share * nearest, chosen + " against " + nearest);
        }
    }

    private static double divergence(Checkpoint model, LevelResult level) {
        return MeanDivergence.of(
                        level.scores().kld(),
                        level.scores().sameTop1(),
                        windows(model, 1).scoredRows(0))
                .mean();
    }

    /** Single rows are looked up there, so there is nothing to feed back. */
    @Test
    void aTableThatIsAnEmbeddingOnlyIsRounded() throws IOException {
        try (Checkpoint model = open("llama-untied");
                Arena arena = Arena.ofShared()) {
            PackedMatrix found = tables(model, recipe(model, "int3:g32:gptq", "int3:g32", "int3:g32"), arena)
                    .get(TensorRole.EMBEDDING);
            Weight table = model.weight(TensorRole.EMBEDDING, 0).orElseThrow();
            DenseMatrix plain = new DenseMatrix(arena.allocate(4L * table.size(), 64), found.rows(), found.columns());
            table.read(0, table.rows(), plain.data(), 0);
            PackedMatrix nearest = PackedMatrix.allocate(found.format(), found.rows(), found.columns(), arena);
            Solvers.RTN.prepare(plain, null, nearest).solve(0, found.rows(), new SolveStats());
            assertArrayEquals(nearest.bytes().toArray(JAVA_BYTE), found.bytes().toArray(JAVA_BYTE));
        }
    }

    private static DenseMatrix moments(Checkpoint model, WindowPlan calibration, String embedding, String head)
            throws IOException {
        Recipe recipe = recipe(model, "int3:g32:gptq", embedding, head);
        try (Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.AUTO, 2)) {
            return TableInputs.measure(model, Measurements.resources(backend), calibration, List.of(recipe))
                    .projection(recipe)
                    .inputs()
                    .hessian()
                    .values();
        }
    }

    private static float at(DenseMatrix matrix, int row, int column) {
        return matrix.data().getAtIndex(JAVA_FLOAT, (long) row * matrix.columns() + column);
    }

    /**
     * H of two windows, token i of window w is (7·i + 3·w) mod 60 + 1. Expected values: transformers 5.18, {@code
     * model.model(ids).last_hidden_state}, mean of x·xᵀ in float64: elements (0, 0), (0, 1), (5, 17) and the trace.
     */
    @ParameterizedTest
    @CsvSource({
        "llama-untied, 1.276743, 0.249233, 0.182634, 34.373644",
        "gptneox, 0.60051, -0.409953, -0.018046, 32.680311"
    })
    void momentsAreThoseOfTransformers(String name, float first, float beside, float far, float trace)
            throws IOException {
        try (Checkpoint model = open(name)) {
            int[] tokens = IntStream.range(0, 40)
                    .map(i -> (7 * (i % 20) + 3 * (i / 20)) % 60 + 1)
                    .toArray();
            DenseMatrix h = moments(model, Measurements.plan(tokens, 20), "int3:g32", "int3:g32");
            assertEquals(first, at(h, 0, 0), 1e-5);
            assertEquals(beside, at(h, 0, 1), 1e-5);
            assertEquals(far, at(h, 5, 17), 1e-5);
            double sum = 0;
            for (int i = 0; i < h.rows(); i++) {
                sum += at(h, i, i);
            }
            assertEquals(trace, sum, 1e-3);
        }
    }

    /** The embedding's part of one table for both is a multiple of the identity, of the power that the projection's has. */
    @Test
    void oneTableForBothHasBothInputs() throws IOException {
        try (Checkpoint model = open("llama-gqa")) {
            DenseMatrix projection = moments(model, windows(model, 2), "int4:g32", "int3:g32");
            DenseMatrix both = moments(model, windows(model, 2), "int3:g32", "int3:g32");
            int n = both.rows();
            double mean = IntStream.range(0, n)
                    .mapToDouble(i -> at(projection, i, i))
                    .average()
                    .orElseThrow();
            for (int i = 0; i < n; i++) {
                assertEquals(mean, at(both, i, i) - at(projection, i, i), 1e-4 * mean);
                assertEquals(at(projection, i, (i + 1) % n), at(both, i, (i + 1) % n));
            }
        }
    }

    /** Which would cost a pass over the calibration text. */
    @Test
    void nothingIsMeasuredForTablesThatNobodySolves() throws IOException {
        try (Checkpoint model = open("llama-untied");
                Backend backend = CpuBackend.create(CpuBackend.MatrixProduct.AUTO, 1)) {
            for (Recipe recipe : Arrays.asList(
                    Recipe.of(model, Level.parse("int3:g32:gptq")),
                    recipe(model, "int3:g32:search", "int3:g32", "int3:g32"),
                    recipe(model, "int3:g32:hadamard:gptq", "int3:g32", "int3:g32"))) {
                assertEquals(
                        TableInputs.NONE,
                        TableInputs.measure(model, Measurements.resources(backend), windows(model, 2), List.of(recipe)),
                        recipe.name());
            }
        }
    }
}
