package org.bitscarp.cuda.emulated;

import java.util.Arrays;

/**
 * 32 threads that run together, and their registers. Lanes that part ways form groups; the group with the lowest program
 * counter runs until it reaches another one, so they meet again where the compiled code comes together.
 */
final class Warp {
    static final int LANES = 32;
    /** Branches of one warp after which a kernel is taken to run for ever. */
    private static final int MAX_BRANCHES = 1 << 30;

    enum State {
        DONE,
        AT_BARRIER
    }

    private final Program program;
    final BlockRun block;
    final int number;
    /** Registers of up to 32 bits, 64 bits, and predicates (one bit per lane): register, then lane. */
    final int[] r;

    final long[] q;
    final int[] p;
    final int[] saved = new int[LANES];
    final long[] savedQ = new long[LANES];
    /** Rows for intermediate results of {@link Op}s. */
    final int scratch;

    /** Tiles of {@code mma}, at most [16][32], [32][8] and [16][8]. */
    final float[] tileA = new float[16 * LANES];

    final float[] tileB = new float[8 * LANES];
    final float[] tileC = new float[16 * 8];

    /** Grows at each {@code bar.warp.sync}: accesses before and after it are ordered among these lanes. */
    int interval;

    final CopyQueue copies = new CopyQueue();
    final Allocation[] lastFound;
    final byte[] local;

    /** Lanes that exist, and those that have not returned. */
    private int existing;

    private int live;
    private int groups;
    private final int[] pc = new int[LANES];
    private final int[] mask = new int[LANES];
    private final boolean[] parked = new boolean[LANES];
    private int branches;
    /** The barrier that it waits at. */
    Instruction barrier;

    Warp(Program program, BlockRun block, int number) {
        this.program = program;
        this.block = block;
        this.number = number;
        this.r = new int[(program.words() + 4) * LANES];
        this.q = new long[program.quads() * LANES];
        this.p = new int[program.predicates()];
        this.scratch = program.words() * LANES;
        this.lastFound = new Allocation[program.memorySlots()];
        this.local = new byte[program.localBytes() * LANES];
        Arrays.fill(lastFound, Allocation.NONE);
        program.fillConstants(this);
    }

    /** Starts {@code lanes} threads at the first instruction. */
    void start(int lanes) {
        existing = lanes == LANES ? -1 : (1 << lanes) - 1;
        live = existing;
        groups = 1;
        pc[0] = 0;
        mask[0] = live;
        parked[0] = false;
        branches = 0;
        interval = 0;
        copies.clear();
        Arrays.fill(lastFound, Allocation.NONE);
        program.fillSpecials(this);
    }

    int live() {
        return live;
    }

    int existing() {
        return existing;
    }

    /** Runs until all threads have returned or wait at a barrier of the block. */
    State run() {
        while (live != 0) {
            int g = next();
            if (g < 0) {
                release();
                continue;
            }
            if (advance(g)) {
                return State.AT_BARRIER;
            }
        }
        return State.DONE;
    }

    /** Merges groups that have met and picks the one to run; −1 when all of them wait. */
    private int next() {
        for (int i = 0; i < groups; i++) {
            for (int j = groups - 1; j > i; j--) {
                if (pc[i] == pc[j]) {
                    mask[i] |= mask[j];
                    parked[i] = false;
                    remove(j);
                }
            }
        }
        int lowest = -1;
        for (int i = 0; i < groups; i++) {
            if (!parked[i] && (lowest < 0 || pc[i] < pc[lowest])) {
                lowest = i;
            }
        }
        return lowest;
    }

    private void remove(int g) {
        groups--;
        pc[g] = pc[groups];
        mask[g] = mask[groups];
        parked[g] = parked[groups];
    }

    /** Runs group {@code g} until it meets, splits, waits or ends; true when the warp waits at a barrier of the block. */
    private boolean advance(int g) {
        Instruction[] code = program.code();
        int at = pc[g];
        int lanes = mask[g];
        int limit = limit(g, at);
        while (at < limit) {
            Instruction instruction = code[at];
            int active = instruction.active(this, lanes);
            switch (instruction.kind) {
                case PLAIN -> {
                    if (active != 0) {
                        instruction.execute(this, active);
                    }
                    at++;
                }
                case BRANCH -> {
                    if (++branches > MAX_BRANCHES) {
                        throw instruction.fault(this, lane(lanes), "this warp has branched 2^30 times; endless loop?");
                    }
                    if (active == 0) {
                        at++;
                    } else if (active == lanes && uniform(instruction, active)) {
                        at = instruction.target(this, lane(active));
                        if (groups > 1) {
                            pc[g] = at;
                            return false;
                        }
                    } else {
                        split(g, at, lanes, active, instruction);
                        return false;
                    }
                }
                case EXIT -> {
                    live &= ~active;
                    lanes &= ~active;
                    at++;
                    if (active != 0) {
                        Arrays.fill(parked, false);
                    }
                    if (lanes == 0) {
                        remove(g);
                        return false;
                    }
                    mask[g] = lanes;
                }
                case BARRIER -> {
                    if (active == 0) {
                        at++;
                    } else if (active == live) {
                        instruction.execute(this, active);
                        pc[g] = at + 1;
                        barrier = instruction;
                        return true;
                    } else {
                        return park(g, at);
                    }
                }
                case WARP -> {
                    if (active != 0 && (instruction.members(this, active) & existing & ~active) != 0) {
                        return park(g, at);
                    }
                    if (active != 0) {
                        instruction.execute(this, active);
                    }
                    at++;
                }
            }
        }
        pc[g] = at;
        return false;
    }

    private boolean park(int g, int at) {
        pc[g] = at;
        parked[g] = true;
        return false;
    }

    /** Where the next group waits to be met. */
    private int limit(int g, int at) {
        int limit = Integer.MAX_VALUE;
        for (int i = 0; i < groups; i++) {
            if (i != g && pc[i] > at) {
                limit = Math.min(limit, pc[i]);
            }
        }
        return limit;
    }

    private boolean uniform(Instruction branch, int active) {
        if (!(branch instanceof ControlOps.IndexedBranch)) {
            return true;
        }
        int target = branch.target(this, lane(active));
        for (int rest = active; rest != 0; rest &= rest - 1) {
            if (branch.target(this, lane(rest)) != target) {
                return false;
            }
        }
        return true;
    }

    private void split(int g, int at, int lanes, int active, Instruction branch) {
        remove(g);
        if (lanes != active) {
            add(at + 1, lanes & ~active);
        }
        for (int rest = active; rest != 0; rest &= rest - 1) {
            int lane = lane(rest);
            add(branch.target(this, lane), 1 << lane);
        }
    }

    private void add(int at, int lanes) {
        for (int i = 0; i < groups; i++) {
            if (pc[i] == at && !parked[i]) {
                mask[i] |= lanes;
                return;
            }
        }
        pc[groups] = at;
        mask[groups] = lanes;
        parked[groups++] = false;
    }

    /** All groups wait: lets those go that wait for each other at a {@code bar.warp.sync} each, else it is a fault. */
    private void release() {
        int arrived = 0;
        int needed = 0;
        for (int i = 0; i < groups; i++) {
            Instruction waiting = program.code()[pc[i]];
            if (waiting instanceof WarpOps.Sync) {
                arrived |= mask[i];
                needed |= waiting.members(this, mask[i]) & existing;
            } else {
                throw divergent(i, waiting);
            }
        }
        if ((needed & ~arrived) != 0) {
            throw divergent(0, program.code()[pc[0]]);
        }
        interval++;
        for (int i = 0; i < groups; i++) {
            pc[i]++;
            parked[i] = false;
        }
    }

    private Fault divergent(int group, Instruction waiting) {
        String others = live == mask[group]
                ? "the others have returned"
                : "the others wait elsewhere, one at " + program.code()[pc[group == 0 ? 1 : 0]].source;
        return waiting.fault(
                this,
                lane(mask[group]),
                String.format("divergent: only lanes 0x%08x of warp %d come here, %s", mask[group], number, others));
    }

    static int lane(int mask) {
        return Integer.numberOfTrailingZeros(mask);
    }

    int thread(int lane) {
        return number * LANES + lane;
    }

    String describe(int lane) {
        return block.describe(thread(lane));
    }
}
