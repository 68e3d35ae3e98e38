package org.bitscarp.cuda.emulated.ptx;

import java.util.List;
import java.util.Map;

/**
 * One file of PTX.
 *
 * @param target e.g. 80
 * @param variables global, constant and module-wide shared memory
 */
public record Module(int target, List<Variable> variables, Map<String, Kernel> kernels) {}
