package org.bitscarp.eval;

import java.nio.file.Path;
import java.util.List;
import org.bitscarp.datasets.Corpus;
import org.bitscarp.eval.protocol.Protocol;
import org.bitscarp.quant.Level;

/**
 * What to sweep.
 *
 * @param levels the first is the reference
 * @param text to measure on
 * @param maxTokens tokens of the text to use at most
 * @param protocols the first is the main one
 * @param calibration text for importances, or null
 * @param calibrationTokens tokens of it to use at most
 * @param memoryBudget bytes for weights, activations and hidden states
 * @param spillFolder for hidden states beyond that
 * @param command the command line, for the report
 */
public record SweepRequest(
        List<Level> levels,
        Corpus text,
        int maxTokens,
        List<Protocol> protocols,
        Corpus calibration,
        int calibrationTokens,
        long memoryBudget,
        Path spillFolder,
        String command) {}
