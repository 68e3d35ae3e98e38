package org.bitscarp.quant;

import java.util.List;

/** The solvers that level strings know. */
public final class Solvers {
    /** The format's published grid, every weight to the nearest point: round-to-nearest. The default. */
    public static final Solver RTN = new NearestSolver("rtn", false);

    /** The grid that minimises the importance-weighted squared error, every weight to the nearest point. */
    public static final Solver SEARCH = new NearestSolver("search", true);

    /** All of them, the default first. */
    public static final List<Solver> ALL = List.of(RTN, SEARCH);

    private Solvers() {}
}
