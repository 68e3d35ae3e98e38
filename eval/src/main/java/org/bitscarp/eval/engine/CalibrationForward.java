package org.bitscarp.eval.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.eval.protocol.WindowPlan;
import org.bitscarp.model.TensorRole;

/**
 * Calibration windows through one layer after the other. State {@link #FULL_PRECISION} is the full-precision model's; each
 * level whose solver is sequential has one of its own.
 */
final class CalibrationForward {
    static final int FULL_PRECISION = 0;

    /**
     * Passes through a layer that the own state of a level takes, about: each input has one up to where it is seen, and one
     * more moves the states on.
     */
    private static final int OWN_PASSES = 3;

    private final Backend backend;
    private final DecoderLayer decoder;
    private final Lanes lanes;
    private final List<Workspace> spaces;

    /** @param spaces one for each lane of the backend */
    CalibrationForward(Backend backend, DecoderLayer decoder, Lanes lanes, List<Workspace> spaces) {
        this.backend = backend;
        this.decoder = decoder;
        this.lanes = lanes;
        this.spaces = spaces;
    }

    /** How many states levels take. */
    static int states(List<LevelTally> levels) {
        return state(levels, levels.size());
    }

    /** The state of a level that has one of its own. */
    static int state(List<LevelTally> levels, int level) {
        return FULL_PRECISION
                + 1
                + (int) levels.subList(0, level).stream()
                        .filter(tally -> tally.level.sequential())
                        .count();
    }

    /** Work of a level's own calibration, in rows through a layer. */
    static double rows(LevelTally level, WindowPlan plan) {
        return level.level.sequential() ? (double) OWN_PASSES * plan.rows() : 0;
    }

    /** Windows of one state in one layer. */
    record Place(int layer, LayerWeights weights, WindowPlan plan, HiddenStates states, int state) {}

    /** Moves states on to the next layer and gathers every input on the way. */
    void gatherAndMove(Place place, Calibration calibration) throws IOException {
        forEachUnit(place, true, (u, tapped) -> calibration.unit(u, tapped::run));
    }

    /** The same, and stores every input. */
    void gatherAndMove(Place place, Calibration calibration, FullPrecisionInputs inputs) throws IOException {
        forEachUnit(place, true, (u, tapped) -> calibration.unit(u, tap -> tapped.run(inputs.storing(u, tap))));
    }

    /** Gathers every input; the states stay where they are. */
    void gather(Place place, Calibration calibration) throws IOException {
        forEachUnit(place, false, (u, tapped) -> calibration.unit(u, tapped::run));
    }

    /** Gathers one input, as {@link TensorRole#input} names it; the states stay where they are. */
    void gather(Place place, Calibration calibration, TensorRole input) throws IOException {
        forEachUnit(place, false, (u, tapped) -> calibration.unit(u, tap -> tapped.run(new Single(input, tap))));
    }

    /** Moves states on to the next layer. */
    void move(Place place) throws IOException {
        forEachUnit(place, true, (u, tapped) -> tapped.run(DecoderLayer.Tap.NONE));
    }

    /** The same, and stores every input on the way. */
    void move(Place place, FullPrecisionInputs inputs) throws IOException {
        forEachUnit(place, true, (u, tapped) -> tapped.run(inputs.storing(u, DecoderLayer.Tap.NONE)));
    }

    private interface Tapped {
        void run(DecoderLayer.Tap tap) throws IOException;
    }

    private interface Unit {
        void run(int unit, Tapped tapped) throws IOException;
    }

    private void forEachUnit(Place place, boolean move, Unit work) throws IOException {
        lanes.forEach(place.plan.units().size(), spaces.size(), (lane, u) -> {
            WindowPlan.Unit unit = place.plan.units().get(u);
            Workspace space = spaces.get(lane);
            Tensor x = space.x(unit.rows());
            place.states.load(place.state, unit.firstRow(), backend, x, space.host);
            try {
                work.run(u, tap -> decoder.forward(place.layer, place.weights, x, unit.length(), space, tap));
            } catch (UncheckedIOException e) {
                throw e.getCause();
            }
            if (move) {
                place.states.store(place.state, unit.firstRow(), backend, x, space.host);
            }
        });
    }

    /** Shows one input; that of experts comes in parts, so a layer of experts is run to its end. */
    private static final class Single implements DecoderLayer.Tap {
        private final TensorRole wanted;
        private final DecoderLayer.Tap tap;
        private boolean seen;

        Single(TensorRole wanted, DecoderLayer.Tap tap) {
            this.wanted = wanted;
            this.tap = tap;
        }

        @Override
        public void route(int expert, int[] rows) {
            tap.route(expert, rows);
        }

        @Override
        public void see(TensorRole role, int expert, Tensor input) {
            if (role == wanted) {
                tap.see(role, expert, input);
                seen = !role.perExpert();
            }
        }

        @Override
        public boolean enough() {
            return seen;
        }
    }
}
