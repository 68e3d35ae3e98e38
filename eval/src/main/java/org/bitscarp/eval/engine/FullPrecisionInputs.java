package org.bitscarp.eval.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.TensorRole;

/**
 * The inputs of one layer's linear maps in the full-precision model, of all calibration windows: what levels whose solver is
 * asymmetric compare their own inputs with. They are stored during the full-precision pass through the layer, so that it
 * serves all these levels and all inputs, in memory as far as the budget goes, else in files; the next layer takes their
 * place. Different units may be stored and read at the same time.
 *
 * <p>Of experts, those inputs are kept that the full-precision router sends to them. A token that only the router behind
 * quantized maps sends to an expert has no counterpart there, and counts as if it lacked nothing.
 */
final class FullPrecisionInputs implements AutoCloseable {
    private final Backend backend;
    private final WindowPlan plan;
    private final Map<TensorRole, HiddenStates> inputs = new EnumMap<>(TensorRole.class);
    private final int expertsPerToken;
    /** Experts of each row in the order in which its inputs are kept; -1 behind the last. */
    private final int[] experts;

    private FullPrecisionInputs(Checkpoint checkpoint, Resources resources, WindowPlan plan, long budget)
            throws IOException {
        backend = resources.backend();
        this.plan = plan;
        expertsPerToken = checkpoint.spec().mlp().expertsPerToken();
        experts = new int[Math.multiplyExact(plan.rows(), expertsPerToken)];
        long left = budget;
        try {
            for (LayerInput input : LayerInput.of(checkpoint)) {
                int rows = Math.multiplyExact(plan.rows(), input.perToken());
                HiddenStates states = new HiddenStates(1, rows, input.channels(), left, resources.spillFolder());
                inputs.put(input.role(), states);
                left -= states.spilled() ? 0 : states.bytes();
            }
        } catch (IOException | RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    /**
     * Room for them.
     *
     * @param plan calibration windows; null for none
     * @param budget bytes that may stay in memory
     * @return null where no recipe makes use of them
     */
    static FullPrecisionInputs of(
            Checkpoint checkpoint, Resources resources, List<Recipe> recipes, WindowPlan plan, long budget)
            throws IOException {
        return plan == null || !wanted(recipes) ? null : new FullPrecisionInputs(checkpoint, resources, plan, budget);
    }

    private static boolean wanted(List<Recipe> recipes) {
        return recipes.stream().anyMatch(recipe -> recipe.level().asymmetric());
    }

    /** Bytes that the inputs of so many rows take; 0 where no recipe makes use of them. */
    static long bytes(Checkpoint checkpoint, List<Recipe> recipes, int rows) {
        if (!wanted(recipes)) {
            return 0;
        }
        long floats = 0;
        for (LayerInput input : LayerInput.of(checkpoint)) {
            floats += (long) input.perToken() * input.channels();
        }
        return 4 * floats * rows;
    }

    /** Whether some of them are kept in files. */
    boolean spilled() {
        return inputs.values().stream().anyMatch(HiddenStates::spilled);
    }

    /**
     * A tap that stores what a unit sends through the layer, and shows it to another.
     *
     * <p>What cannot be written ends in an {@link UncheckedIOException}.
     */
    DecoderLayer.Tap storing(int unit, DecoderLayer.Tap also) {
        WindowPlan.Unit windows = plan.units().get(unit);
        int first = windows.firstRow() * expertsPerToken;
        Arrays.fill(experts, first, first + windows.rows() * expertsPerToken, -1);
        return new DecoderLayer.Tap() {
            private int[] routed;

            @Override
            public void route(int expert, int[] rows) {
                routed = rows;
                also.route(expert, rows);
            }

            @Override
            public void see(TensorRole role, int expert, Tensor input) {
                try {
                    store(windows.firstRow(), role, expert, routed, input);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
                also.see(role, expert, input);
            }
        };
    }

    private void store(int firstRow, TensorRole role, int expert, int[] rows, Tensor input) throws IOException {
        HiddenStates states = inputs.get(role);
        long rowBytes = 4L * input.columns();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment values = arena.allocate(input.rows() * rowBytes, 64);
            backend.download(input, values);
            if (!role.perExpert()) {
                states.write(0, firstRow, input.rows(), values);
                return;
            }
            for (int i = 0; i < rows.length; i++) {
                int place = place(firstRow + rows[i], expert, true);
                states.write(0, place, 1, values.asSlice(i * rowBytes, rowBytes));
            }
        }
    }

    /** Where a row's input to an expert is kept; -1 where it is not and {@code take} does not ask for a place. */
    private int place(int row, int expert, boolean take) {
        for (int place = row * expertsPerToken; place < (row + 1) * expertsPerToken; place++) {
            if (experts[place] == -1 && take) {
                experts[place] = expert;
            }
            if (experts[place] == expert) {
                return place;
            }
        }
        return -1;
    }

    /**
     * Reads a unit's full-precision counterparts of inputs.
     *
     * @param rows of the unit that an expert's inputs are of; of no meaning for others
     * @param own the inputs themselves, which stand in where there is no counterpart
     * @param target as large as they are
     */
    void read(int unit, TensorRole role, int expert, int[] rows, MemorySegment own, MemorySegment target)
            throws IOException {
        WindowPlan.Unit windows = plan.units().get(unit);
        HiddenStates states = inputs.get(role);
        if (!role.perExpert()) {
            states.read(0, windows.firstRow(), windows.rows(), target);
            return;
        }
        long rowBytes = target.byteSize() / rows.length;
        for (int i = 0; i < rows.length; i++) {
            int place = place(windows.firstRow() + rows[i], expert, false);
            MemorySegment row = target.asSlice(i * rowBytes, rowBytes);
            if (place < 0) {
                row.copyFrom(own.asSlice(i * rowBytes, rowBytes));
            } else {
                states.read(0, place, 1, row);
            }
        }
    }

    @Override
    public void close() throws IOException {
        for (HiddenStates states : inputs.values()) {
            states.close();
        }
    }
}
