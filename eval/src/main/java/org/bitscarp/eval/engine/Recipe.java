package org.bitscarp.eval.engine;

import java.util.List;
import java.util.Objects;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.FloatFormat;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.Solver;
import org.bitscarp.quant.Solvers;

/**
 * What a row of a sweep, or a file, makes of a model: how codes are chosen, and how each matrix is stored. A level is the
 * recipe with one format for all linear maps.
 *
 * @param name that no other row has, e.g. {@code int4:g64}, {@code q4_k_m}
 * @param format words for the formats of the linear maps, that of most weights first
 * @param level whose solver and transform are used; its format is the one that the maps have where nothing singles them out
 * @param maps formats of the linear maps
 * @param embedding format of the token embedding; null where it stays as it is
 * @param head format of the output projection, a copy of the embedding included; null where it stays as it is
 * @param tables chooses the codes of an output projection that is stored in blocks: the level's solver where it goes by
 *     second moments, else rounding to nearest, which a table that is an embedding only gets in any case
 */
public record Recipe(
        String name,
        String format,
        Level level,
        Allocation maps,
        BlockFormat embedding,
        BlockFormat head,
        Solver tables) {
    /** One whose tables are solved as its level has it. */
    public Recipe(String name, String format, Level level, Allocation maps, BlockFormat embedding, BlockFormat head) {
        this(name, format, level, maps, embedding, head, tables(level));
    }

    /** Tables of a transform may be in another basis in a file, where their inputs are not measured. */
    private static Solver tables(Level level) {
        return level.solver().needsHessian() && level.transform().identity() ? level.solver() : Solvers.RTN;
    }

    /** A level that leaves embedding and output projection as they are. */
    static Recipe ofMaps(Level level) {
        return new Recipe(
                level.toString(), level.format().name(), level, Allocation.uniform(level.format()), null, null);
    }

    /** Levels of a checkpoint. */
    public static List<Recipe> of(Checkpoint checkpoint, List<Level> levels) {
        return levels.stream().map(level -> of(checkpoint, level)).toList();
    }

    /** A level of a checkpoint. */
    public static Recipe of(Checkpoint checkpoint, Level level) {
        BlockFormat tables = tables(checkpoint, level);
        return new Recipe(
                level.toString(), level.format().name(), level, Allocation.uniform(level.format()), tables, tables);
    }

    /** A level with formats of their own for the linear maps; embedding and output projection as the level has them. */
    public static Recipe of(Checkpoint checkpoint, String name, Level level, Allocation maps) {
        BlockFormat tables = tables(checkpoint, level);
        return new Recipe(name, format(checkpoint, maps), level, maps, tables, tables);
    }

    /** The same with tables in formats of their own; null for one that stays as it is. */
    public Recipe withTables(BlockFormat newEmbedding, BlockFormat newHead) {
        return new Recipe(name, format, level, maps, newEmbedding, newHead, tables);
    }

    /** The same with another solver for the tables than the level's. */
    public Recipe solvingTablesBy(Solver solver) {
        return new Recipe(name, format, level, maps, embedding, head, solver);
    }

    /** Words for the formats of the linear maps. */
    public static String format(Checkpoint checkpoint, Allocation maps) {
        return MapFormats.words(
                checkpoint, (role, layer) -> maps.format(role, layer).name());
    }

    /** Null where tables stay exactly as they are. */
    private static BlockFormat tables(Checkpoint checkpoint, Level level) {
        if (level.quantizesEmbedding()) {
            return level.format() == FloatFormat.FP32 ? null : level.format();
        }
        // Levels with blocks keep embedding and output projection in the checkpoint's own type, but at most 16 bits.
        Weight own = checkpoint.weight(TensorRole.EMBEDDING, 0).orElseThrow();
        return own.bitsPerValue() <= 16 ? null : FloatFormat.FP16;
    }

    /** Whether an output projection is chosen by second moments of its inputs. */
    boolean solvesTables() {
        return tables.needsHessian() && head != null && head.fitted();
    }

    /** Whether embedding and output projection are one table, whose bytes are those of both. */
    boolean oneTable(DecoderSpec spec) {
        return spec.tiedHead() && Objects.equals(embedding, head);
    }

    /** Whether embedding or output projection are stored in blocks. */
    boolean fitsTables() {
        return embedding != null && embedding.fitted() || head != null && head.fitted();
    }
}
