package org.bitscarp.eval.report;

import java.util.List;

/**
 * Everything that a sweep found: the source of every report file and of {@code results.json}.
 *
 * @param bitscarp version of the program
 * @param model what was measured
 * @param text what it was measured on
 * @param protocols how it was measured; the first is the main one, which deltas, chart and cliff refer to
 * @param device where the arithmetic ran, for people: {@code cpu (2 threads, OpenBLAS 0.3.19, 512-bit vectors)}
 * @param compute type of the arithmetic, e.g. {@code fp32}
 * @param calibration where importances came from, or null when there was no calibration
 * @param command the command line that repeats the sweep
 * @param started ISO-8601 instant
 * @param seconds wall time of the whole sweep
 * @param rows one per level, from most to fewest bits per weight; exactly one is the reference
 * @param cliff where it falls off, or null when there are too few levels to say
 * @param behaviour what levels answered and wrote
 * @param statistics how sure the figures are, or null with a single level
 * @param notes warnings that a reader of the numbers has to know, one sentence each
 */
public record SweepResult(
        String bitscarp,
        Model model,
        Text text,
        List<Protocol> protocols,
        String device,
        String compute,
        String calibration,
        String command,
        String started,
        double seconds,
        List<Row> rows,
        Cliff cliff,
        Behaviour behaviour,
        Statistics statistics,
        List<String> notes) {

    /**
     * What levels do besides predicting a text.
     *
     * @param tasks multiple-choice tasks, in the order asked for
     * @param continuations of the same prompts, or null
     * @param passage where the level at the cliff loses most, or null
     */
    public record Behaviour(List<TaskResult> tasks, Continuations continuations, Passage passage) {
        /** Nothing was asked for. */
        public static final Behaviour NONE = new Behaviour(List.of(), null, null);
    }

    /** Value of the {@code schema} key of {@code results.json}. */
    public static final String SCHEMA = "bitscarp.sweep/1";

    /**
     * @param path folder or file as the user named it
     * @param container e.g. {@code Hugging Face safetensors}
     * @param sha256 over names, types, shapes and bytes of all tensors
     * @param architecture as the checkpoint names it
     * @param parameters number of weights
     * @param bytes of all tensors on disk
     * @param layers decoder layers
     */
    public record Model(
            String path,
            String container,
            String sha256,
            String architecture,
            long parameters,
            long bytes,
            int layers) {}

    /**
     * @param name file or corpus name
     * @param sha256 of the text's UTF-8 bytes
     * @param bytes UTF-8 length
     * @param tokens of the whole text
     * @param tokenizerSha256 of the tokenizer's definition
     */
    public record Text(String name, String sha256, long bytes, long tokens, String tokenizerSha256) {}

    /**
     * @param name {@code gptq}, {@code llama.cpp} or {@code sliding}
     * @param context tokens in a window
     * @param stride tokens between window starts
     * @param windows number of windows
     * @param description one sentence: which positions are scored, what happens to BOS
     */
    public record Protocol(String name, int context, int stride, int windows, String description) {}

    /**
     * A level's row.
     *
     * @param level canonical level string
     * @param reference whether deltas and divergences of the other rows are against this one
     * @param bitsPerWeight measured, over the matrices that the level quantizes
     * @param modelBitsPerWeight measured, over every tensor of the model
     * @param bytes of the whole model at this level
     * @param scores one per protocol, in the order of {@link SweepResult#protocols}
     * @param divergence from the reference, over the positions that the main protocol scores
     * @param weightError ‖W − Ŵ‖ / ‖W‖ over all quantized matrices
     * @param layerErrors ‖h − h_ref‖ / ‖h_ref‖ of the residual stream after each layer; zeros for the reference
     * @param seconds spent on this level
     * @param fallbacks places where the level's rule could not be followed
     * @param nonfinite scores that were NaN or infinite; they are in no sum
     * @param file that the row is of, or null where it is a level
     */
    public record Row(
            String level,
            String format,
            String solver,
            boolean reference,
            double bitsPerWeight,
            double modelBitsPerWeight,
            long bytes,
            List<Score> scores,
            Divergence divergence,
            double weightError,
            double[] layerErrors,
            double seconds,
            long fallbacks,
            long nonfinite,
            File file) {

        /** A row that is a level of the model and not a file. */
        public Row(
                String level,
                String format,
                String solver,
                boolean reference,
                double bitsPerWeight,
                double modelBitsPerWeight,
                long bytes,
                List<Score> scores,
                Divergence divergence,
                double weightError,
                double[] layerErrors,
                double seconds,
                long fallbacks,
                long nonfinite) {
            this(
                    level,
                    format,
                    solver,
                    reference,
                    bitsPerWeight,
                    modelBitsPerWeight,
                    bytes,
                    scores,
                    divergence,
                    weightError,
                    layerErrors,
                    seconds,
                    fallbacks,
                    nonfinite,
                    null);
        }

        /** The same figures as those of a file. */
        public Row of(File measured) {
            return new Row(
                    level,
                    format,
                    solver,
                    reference,
                    bitsPerWeight,
                    modelBitsPerWeight,
                    bytes,
                    scores,
                    divergence,
                    weightError,
                    layerErrors,
                    seconds,
                    fallbacks,
                    nonfinite,
                    measured);
        }

        /** Score under the main protocol. */
        public Score score() {
            return scores.getFirst();
        }

        /** Whether the main perplexity can be believed: it is finite and no score was left out of its sum. */
        public boolean sound() {
            return nonfinite == 0 && Double.isFinite(score().perplexity());
        }
    }

    /**
     * A checkpoint that a row is of.
     *
     * @param path folder or file
     * @param container e.g. {@code GGUF}
     * @param sha256 over names, types, shapes and bytes of all tensors
     */
    public record File(String path, String container, String sha256) {}

    /**
     * A perplexity with its error.
     *
     * @param protocol name of the protocol
     * @param perplexity exp(nllSum / tokensScored)
     * @param stderr standard error of the perplexity, tokens taken as independent (as llama.cpp prints)
     * @param nllSum sum of negative log-likelihoods in nats
     * @param tokensScored number of positions in the sum
     * @param bitsPerByte nats per token / ln 2 × tokens per UTF-8 byte of the whole text; comparable between tokenizers
     * @param deltaPpl perplexity minus the reference's on the same tokens
     * @param deltaPplCi95 95 % interval of deltaPpl from paired differences, {low, high}
     * @param tied whether that interval contains zero
     */
    public record Score(
            String protocol,
            double perplexity,
            double stderr,
            double nllSum,
            long tokensScored,
            double bitsPerByte,
            double deltaPpl,
            double[] deltaPplCi95,
            boolean tied) {}

    /**
     * @param kldMean mean KL(reference ‖ level) in nats per token over the full vocabulary
     * @param kldStderr its standard error
     * @param sameTop1 share of positions at which both find the same token most likely, 0 to 1
     */
    public record Divergence(double kldMean, double kldStderr, double sameTop1) {}

    /**
     * @param level the last level before the fall
     * @param bitsPerWeight of that level
     * @param fallsAt the first level after it, or null when nothing falls
     * @param explanation one or two sentences: the rule and what it found
     * @param threshold perplexity ratio to the reference above which a level has fallen, e.g. 1.10
     */
    public record Cliff(String level, double bitsPerWeight, String fallsAt, String explanation, double threshold) {

        /** A cliff found with {@link CliffRule#DEFAULT_THRESHOLD}. */
        public Cliff(String level, double bitsPerWeight, String fallsAt, String explanation) {
            this(level, bitsPerWeight, fallsAt, explanation, CliffRule.DEFAULT_THRESHOLD);
        }
    }

    /** The row that the others are compared with. */
    public Row reference() {
        return rows.stream().filter(Row::reference).findFirst().orElseThrow();
    }
}
