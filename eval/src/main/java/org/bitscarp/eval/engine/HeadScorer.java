package org.bitscarp.eval.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.LogitScorer;
import org.bitscarp.compute.LogitsThenScores;
import org.bitscarp.compute.Scores;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.compute.TopTokens;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.DenseMatrix;
import org.bitscarp.quant.SolveStats;

/**
 * From the last hidden states of all levels to token scores: final norm, output projection in slices of the vocabulary,
 * log-softmax, divergence from the reference. Tokens × vocabulary never exists as a whole, and each slice of the
 * projection is read once for all levels of a checkpoint.
 *
 * <p>A device holds all slices where there is room, and a unit's states at all levels: else each slice costs each level a
 * transfer of its states, which takes several times as long as the products. Tiles are the same either way, and so are bits.
 */
final class HeadScorer {
    /** Bytes of a vocabulary slice's fp32 weights. A constant, so that results do not depend on memory settings. */
    private static final long SLICE_BYTES = 64L << 20;

    private final Backend backend;
    private final IntFunction<Source> sources;
    private final DecoderSpec spec;
    private final Lanes lanes;
    private final MatrixQuantizer quantizer;
    private final int sliceRows;
    private TableInputs tables = TableInputs.NONE;

    /** Where a level's last norm and output projection come from. */
    record Source(Checkpoint checkpoint, WeightReader reader) {
        /** The output projection's role. */
        TensorRole head() {
            return checkpoint.spec().tiedHead() ? TensorRole.EMBEDDING : TensorRole.HEAD;
        }
    }

    /** An output projection as some of the levels want it. */
    private record Head(Source source, TableInputs.Table table) {}

    /** Scores levels of one checkpoint. */
    HeadScorer(Backend backend, Checkpoint checkpoint, WeightReader reader, Lanes lanes) {
        this(backend, onlySource(new Source(checkpoint, reader)), lanes, sliceRows(checkpoint.spec()));
    }

    /** Lets levels choose their projection by what is known of its inputs. */
    HeadScorer goBy(TableInputs inputs) {
        tables = inputs;
        return this;
    }

    /** @param sources of each level; checkpoints of the same vocabulary and width, equal where levels share one */
    HeadScorer(Backend backend, IntFunction<Source> sources, Lanes lanes) {
        this(backend, sources, lanes, sliceRows(sources.apply(0).checkpoint.spec()));
    }

    /** @param sliceRows vocabulary entries in a slice */
    HeadScorer(Backend backend, IntFunction<Source> sources, Lanes lanes, int sliceRows) {
        this.backend = backend;
        this.sources = sources;
        spec = sources.apply(0).checkpoint.spec();
        this.lanes = lanes;
        quantizer = new MatrixQuantizer(backend, lanes);
        this.sliceRows = sliceRows;
    }

    private static IntFunction<Source> onlySource(Source source) {
        return level -> source;
    }

    /** Vocabulary entries in a slice. */
    static int sliceRows(DecoderSpec spec) {
        long rows = Math.max(1024, SLICE_BYTES / (4L * spec.hidden()));
        return (int) Math.min(spec.vocabulary(), rows);
    }

    /** Bytes that scoring takes besides the hidden states. */
    static long bytes(DecoderSpec spec, int unitRows, int lanes, int headFormats) {
        long slice = 4L * sliceRows(spec) * spec.hidden();
        long scorer = LogitsThenScores.bytes(unitRows, sliceRows(spec));
        return slice * (1 + headFormats) + lanes * (scorer + 8L * unitRows * spec.hidden());
    }

    /** Whether a device has room for everything that otherwise comes by slices and tiles, with as much left for the rest. */
    private boolean resident(int unitRows, int levels, long heads) {
        long available = backend.availableMemory();
        long rows = heads * spec.vocabulary() + (long) backend.lanes() * levels * unitRows;
        return available != Long.MAX_VALUE && 4 * rows * spec.hidden() <= available / 2;
    }

    /** Called after each level of each unit, from any lane, with the rows it covered. */
    @FunctionalInterface
    interface Listener {
        void scored(LevelTally level, long nanos);
    }

    /** Scores all units of all levels; the first level is the reference. */
    void run(WindowPlan plan, List<LevelTally> levels, HiddenStates states, Listener listener) throws IOException {
        List<WindowPlan.Unit> units = plan.units();
        RowScores[][] scores = new RowScores[levels.size()][units.size()];
        for (RowScores[] ofLevel : scores) {
            for (int u = 0; u < ofLevel.length; u++) {
                ofLevel[u] = new RowScores(units.get(u).scored().length);
            }
        }
        long different = IntStream.range(0, levels.size())
                .mapToObj(l -> head(l, levels))
                .distinct()
                .count();
        boolean resident = resident(plan.largestUnit(), levels.size(), different);
        int held = resident ? spec.vocabulary() : sliceRows;
        try (Arena arena = Arena.ofShared();
                TensorMemory memory = backend.newMemory()) {
            Map<Source, FinalNorm> norms = new LinkedHashMap<>();
            Map<Head, Tensor> heads = new LinkedHashMap<>();
            List<Projection> projections = new ArrayList<>();
            for (int l = 0; l < levels.size(); l++) {
                Head head = head(l, levels);
                Source source = head.source;
                if (!norms.containsKey(source)) {
                    norms.put(source, new FinalNorm(backend, source.checkpoint, source.reader, memory));
                }
                projections.add(new Projection(
                        norms.get(source),
                        heads.computeIfAbsent(head, h -> memory.allocate(held, spec.hidden())),
                        source.checkpoint.spec().logitSoftCap()));
            }
            MemorySegment slice = arena.allocate(4L * sliceRows * spec.hidden(), 64);
            List<Buffers> buffers = new ArrayList<>();
            for (int lane = 0; lane < backend.lanes(); lane++) {
                buffers.add(new Buffers(
                        memory, arena, plan.largestUnit(), resident ? levels.size() : 1, levels.size() > 1));
            }
            for (int first = 0; first < spec.vocabulary(); first += held) {
                int from = first;
                int n = Math.min(held, spec.vocabulary() - first);
                for (int at = 0; at < n; at += sliceRows) {
                    DenseMatrix part = new DenseMatrix(slice, Math.min(sliceRows, n - at), spec.hidden());
                    for (Source source : norms.keySet()) {
                        source.reader.rows(source.head(), first + at, part);
                        prepareHeads(source, levels, part, heads, at);
                    }
                }
                lanes.forEach(
                        units.size(),
                        buffers.size(),
                        (lane, u) -> score(
                                units.get(u),
                                u,
                                from,
                                n,
                                levels,
                                projections,
                                states,
                                scores,
                                buffers.get(lane),
                                listener));
            }
        }
        for (int l = 0; l < levels.size(); l++) {
            for (int u = 0; u < units.size(); u++) {
                collect(units.get(u), scores[l][u], scores[0][u], levels.get(l).scores);
            }
        }
    }

    /** The output projection as a level wants it. */
    private Head head(int level, List<LevelTally> levels) {
        return new Head(sources.apply(level), tables.projection(levels.get(level).recipe));
    }

    /** Brings a part of a source's projection to the backend, to row {@code at} of what each level reads. */
    private void prepareHeads(Source source, List<LevelTally> levels, DenseMatrix part, Map<Head, Tensor> heads, int at)
            throws IOException {
        Map<Head, List<LevelTally>> sharing = new LinkedHashMap<>();
        for (int l = 0; l < levels.size(); l++) {
            if (sources.apply(l).equals(source)) {
                sharing.computeIfAbsent(head(l, levels), h -> new ArrayList<>()).add(levels.get(l));
            }
        }
        for (Map.Entry<Head, List<LevelTally>> head : sharing.entrySet()) {
            TableInputs.Table table = head.getKey().table;
            Tensor target = heads.get(head.getKey()).slice(at, part.rows());
            if (table.format() == null) {
                backend.upload(part.data(), target);
            } else {
                SolveStats stats = quantizer
                        .run(table.solver(), List.of(table.job(part, target)), null)
                        .getFirst()
                        .stats();
                head.getValue().forEach(l -> l.countIrregular(stats));
            }
        }
    }

    private void score(
            WindowPlan.Unit unit,
            int u,
            int first,
            int n,
            List<LevelTally> levels,
            List<Projection> projections,
            HiddenStates states,
            RowScores[][] scores,
            Buffers b,
            Listener listener)
            throws IOException {
        int rows = unit.scored().length;
        int[] targets = new int[rows];
        for (int i = 0; i < rows; i++) {
            targets[i] = unit.targets()[unit.scored()[i]];
        }
        Tensor[] normed = new Tensor[levels.size()];
        for (int column = 0; column < n; ) {
            int width = Math.min(b.scorer.width(), Math.min(n, (column / sliceRows + 1) * sliceRows) - column);
            LogitScorer.Tile tile = new LogitScorer.Tile(first + column, targets);
            for (int l = 0; l < levels.size(); l++) {
                long started = System.nanoTime();
                Projection projection = projections.get(l);
                if (normed[l] == null || b.states.size() < levels.size()) {
                    normed[l] = normed(unit, l, projection.norm, states, b);
                }
                LogitScorer.Logits logits =
                        new LogitScorer.Logits(normed[l], projection.rows.slice(column, width), projection.softCap);
                RowScores own = scores[l][u];
                if (l == 0) {
                    b.scorer.reference(logits, tile, own.sums, levels.size() > 1 ? own.top : null);
                } else {
                    b.scorer.against(logits, tile, scores[0][u].sums, own.sums, own.top);
                }
                listener.scored(levels.get(l), System.nanoTime() - started);
            }
            column += width;
        }
    }

    /** The scored rows of a unit at one level, gathered and normed. */
    private Tensor normed(WindowPlan.Unit unit, int level, FinalNorm finalNorm, HiddenStates states, Buffers b)
            throws IOException {
        int[] scored = unit.scored();
        states.read(level, unit.firstRow(), unit.rows(), b.host);
        long rowBytes = 4L * spec.hidden();
        for (int i = 0; i < scored.length; i++) {
            if (scored[i] != i) {
                MemorySegment.copy(b.host, scored[i] * rowBytes, b.host, i * rowBytes, rowBytes);
            }
        }
        Tensor x = b.states.get(level % b.states.size()).slice(0, scored.length);
        backend.upload(b.host, x);
        return finalNorm.apply(x, x);
    }

    private static void collect(WindowPlan.Unit unit, RowScores scores, RowScores reference, TokenScores target) {
        for (int i = 0; i < scores.sums.rows(); i++) {
            int row = unit.firstRow() + unit.scored()[i];
            target.nll()[row] = (float) scores.sums.negativeLogLikelihood(i);
            target.kld()[row] = scores == reference ? 0 : (float) scores.sums.klDivergence(reference.sums, i);
            target.confidence()[row] = (float) scores.sums.confidence(i);
            target.sameTop1()[row] = scores.sums.top1(i) == reference.sums.top1(i);
            target.sharedTop5()[row] = (byte) reference.top.shared(scores.top, i);
        }
    }

    /**
     * What a level's last hidden states go through.
     *
     * @param rows the output projection's part whose turn it is
     * @param softCap of the logits, or 0
     */
    private record Projection(FinalNorm norm, Tensor rows, float softCap) {}

    /** Of a unit's scored rows at one level, while the vocabulary goes by. */
    private static final class RowScores {
        final Scores sums;
        final TopTokens top;

        RowScores(int rows) {
            sums = new Scores(rows);
            top = new TopTokens(rows);
        }
    }

    /** What a lane needs. */
    private final class Buffers {
        /** A unit's states, normed: of all levels, or of the one whose turn it is. */
        final List<Tensor> states = new ArrayList<>();

        final LogitScorer scorer;
        final MemorySegment host;

        Buffers(TensorMemory memory, Arena arena, int rows, int held, boolean levels) {
            for (int level = 0; level < held; level++) {
                states.add(memory.allocate(rows, spec.hidden()));
            }
            scorer = backend.newLogitScorer(memory, rows, sliceRows, levels);
            host = arena.allocate(4L * rows * spec.hidden(), 64);
        }
    }
}
