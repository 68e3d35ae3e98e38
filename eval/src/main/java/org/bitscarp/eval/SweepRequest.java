package org.bitscarp.eval;

import java.nio.file.Path;
import java.util.List;
import org.bitscarp.compute.Backend;
import org.bitscarp.datasets.Corpus;
import org.bitscarp.datasets.tasks.Task;
import org.bitscarp.eval.engine.Progress;
import org.bitscarp.eval.engine.Resources;
import org.bitscarp.eval.generate.ContinuationRequest;
import org.bitscarp.eval.protocol.Protocol;
import org.bitscarp.eval.resume.Keeping;
import org.bitscarp.model.Imatrix;

/**
 * What to sweep.
 *
 * @param rows what is compared
 * @param text to measure on
 * @param maxTokens tokens of the text to use at most
 * @param protocols the first is the main one
 * @param calibration text for importances, or null
 * @param calibrationSize how much of it
 * @param imatrix importances for levels that need no Hessian, instead of the calibration's; or null
 * @param hessians folder that calibration statistics are kept in and read from, or null
 * @param memoryBudget bytes for weights, activations and hidden states
 * @param spillFolder for hidden states beyond that
 * @param tasks multiple-choice files that all levels answer in the same pass
 * @param continuations what levels are to write
 * @param judgement by what levels are judged
 * @param scoresFolder where the scores of all tokens go, or null
 * @param keeping where finished layers and levels are kept, and interrupted sweeps go on from
 * @param command the command line, for the report
 */
public record SweepRequest(
        SweepRows rows,
        Corpus text,
        int maxTokens,
        List<Protocol> protocols,
        Corpus calibration,
        CalibrationSize calibrationSize,
        Imatrix imatrix,
        Path hessians,
        long memoryBudget,
        Path spillFolder,
        List<Task> tasks,
        ContinuationRequest continuations,
        Judgement judgement,
        Path scoresFolder,
        Keeping keeping,
        String command) {
    /** What a pass for this request may use. */
    Resources resources(Backend backend, Progress progress) {
        return new Resources(backend, memoryBudget, spillFolder, progress);
    }
}
