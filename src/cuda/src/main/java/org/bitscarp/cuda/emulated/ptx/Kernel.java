package org.bitscarp.cuda.emulated.ptx;

import java.util.List;
import java.util.Map;

/**
 * One entry.
 *
 * @param maxThreads largest block that it was compiled for; 1024 when it does not say
 * @param variables shared and local memory
 * @param labels to the number of the statement that follows
 * @param jumpTables labels of each {@code .branchtargets}
 */
public record Kernel(
        String name,
        int maxThreads,
        int registers,
        List<Variable> variables,
        List<Statement> statements,
        Map<String, Integer> labels,
        Map<String, List<String>> jumpTables) {}
