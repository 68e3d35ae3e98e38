package org.bitscarp.eval;

import java.nio.file.Path;
import java.util.List;
import org.bitscarp.compute.Backend;
import org.bitscarp.datasets.Corpus;
import org.bitscarp.eval.engine.Progress;
import org.bitscarp.eval.engine.Resources;
import org.bitscarp.eval.protocol.Protocol;
import org.bitscarp.model.Checkpoint;

/**
 * What to compare.
 *
 * @param files the first is the reference
 * @param text to measure on
 * @param maxTokens tokens of the text to use at most
 * @param protocols the first is the main one
 * @param memoryBudget bytes for weights, activations and hidden states
 * @param spillFolder for hidden states beyond that
 * @param judgement by what files are judged
 * @param scoresFolder where the scores of all tokens go
 * @param command the command line, for the report
 */
public record CompareRequest(
        List<File> files,
        Corpus text,
        int maxTokens,
        List<Protocol> protocols,
        long memoryBudget,
        Path spillFolder,
        Judgement judgement,
        Path scoresFolder,
        String command) {
    /** What a pass for this request may use. */
    Resources resources(Backend backend, Progress progress) {
        return new Resources(backend, memoryBudget, spillFolder, progress);
    }

    /**
     * One of the files.
     *
     * @param name that no other has
     */
    public record File(String name, Checkpoint checkpoint) {}
}
