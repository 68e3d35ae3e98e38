package org.bitscarp.cuda.backend;

import org.bitscarp.cuda.driver.Grid;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.ScaleScan;

/** Blocks of integers in GPTQ's column loop. */
final class IntBlocks implements LoopBlocks {
    private static final String MODULE = "gptq";
    private static final int WARPS = 4;
    /** Threads that search one grid. */
    private static final int SEARCH_THREADS = 8;

    private final Launcher launcher;
    private final IntRows rows;
    private final Rule rule;

    /**
     * How grids are fitted.
     *
     * @param search for the least weighted error, instead of the published rule
     * @param importance address of a float for each column; 0 for all equal
     */
    record Rule(boolean search, long importance) {
        static final Rule PUBLISHED = new Rule(false, 0);
    }

    IntBlocks(Launcher launcher, IntRows rows, Rule rule) {
        this.launcher = launcher;
        this.rows = rows;
        this.rule = rule;
    }

    @Override
    public BlockFormat format() {
        return rows.format();
    }

    @Override
    public int rows() {
        return rows.rows();
    }

    @Override
    public int columns() {
        return rows.columns();
    }

    @Override
    public long grids() {
        return rows.grids();
    }

    @Override
    public long codes() {
        return rows.codes();
    }

    @Override
    public void fit(Lane lane, long weights, int from, int count) {
        boolean search = rule.search;
        Call call = launcher.call(lane, search ? "search_int" : MODULE, search ? "search_grids" : "fit_grids")
                .address(weights);
        if (search) {
            call.address(rule.importance);
        }
        call.address(rows.grids())
                .integer(rows.rows())
                .integer(rows.columns())
                .integer(from)
                .integer(count)
                .integer(rows.length())
                .integer(rows.format().bits())
                .integer(rows.zero());
        if (search) {
            ScaleScan scan = ScaleScan.of(rows.format());
            call.integer(scan.steps()).float64(scan.factor());
        }
        long threads = (long) rows.rows() * count * (search ? SEARCH_THREADS : 32);
        call.address(rows.fallbacks()).launch(Grid.of(Math.toIntExact(Math.ceilDiv(threads, 32 * WARPS))), 32 * WARPS);
    }

    @Override
    public Call rounding(Lane lane) {
        return launcher.call(lane, MODULE, "gptq_batch");
    }

    @Override
    public Call own(Call call) {
        return call.integer(rows.maxCode());
    }

    @Override
    public void pack(Lane lane, long packed) {
        int octets = Math.ceilDiv(rows.length(), 8);
        launcher.call(lane, MODULE, "pack_int")
                .address(rows.grids())
                .address(rows.codes())
                .address(packed)
                .long64(rows.format().rowBytes(rows.columns()))
                .integer(rows.rows())
                .integer(rows.columns())
                .integer(rows.length())
                .integer(rows.format().bits())
                .integer(rows.zero())
                .launch(Launcher.rowGrid(blocks() * octets, rows.rows()), Launcher.THREADS);
    }
}
