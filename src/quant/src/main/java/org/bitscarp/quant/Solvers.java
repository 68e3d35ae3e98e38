package org.bitscarp.quant;

import java.util.List;
import org.bitscarp.quant.gptq.GptqOptions;
import org.bitscarp.quant.gptq.GptqSolver;

/** The solvers that level strings know. */
public final class Solvers {
    /** The format's published grid, every weight to the nearest point: round-to-nearest. The default. */
    public static final Solver RTN = new NearestSolver("rtn", false);

    /** The grid that minimises the importance-weighted squared error, every weight to the nearest point. */
    public static final Solver SEARCH = new NearestSolver("search", true);

    /** Error feedback with searched grids and refined codes: the best that is known to fit the format. */
    public static final Solver GPTQ = new GptqSolver("gptq", GptqOptions.BEST);

    /** The same with the inputs that maps before it make when they are quantized. */
    public static final Solver GPTQ_SEQUENTIAL = new GptqSolver("gptq-sequential", GptqOptions.BEST_SEQUENTIAL);

    /** The same, aimed at the outputs of the full-precision model on its own inputs: asymmetric calibration. */
    public static final Solver GPTAQ = new GptqSolver("gptaq", GptqOptions.ASYMMETRIC);

    /** Error feedback as the paper has it, for comparison. */
    public static final Solver GPTQ_PUBLISHED = new GptqSolver("gptq-published", GptqOptions.PUBLISHED);

    /** The same with activation order and static groups, as GPTQ's users mostly run it. */
    public static final Solver GPTQ_ACTORDER = new GptqSolver("gptq-actorder", GptqOptions.ACTIVATION_ORDER);

    /** All of them, the default first. */
    public static final List<Solver> ALL =
            List.of(RTN, SEARCH, GPTQ, GPTAQ, GPTQ_SEQUENTIAL, GPTQ_PUBLISHED, GPTQ_ACTORDER);

    private Solvers() {}
}
