package org.bitscarp.eval.report;

import java.util.Comparator;
import java.util.List;

/**
 * What quantizing each part of a model costs.
 *
 * @param bitscarp version of the program
 * @param level that parts were quantized to
 * @param protocol whose scored tokens count
 * @param perplexity of full precision
 * @param all every part quantized
 * @param parts in the order of layers, a whole layer before its maps
 */
public record SensitivityResult(
        String bitscarp,
        SweepResult.Model model,
        SweepResult.Text text,
        SweepResult.Protocol protocol,
        String device,
        String compute,
        String level,
        String calibration,
        String command,
        String started,
        double seconds,
        double perplexity,
        Measure all,
        List<Part> parts,
        List<String> notes) {
    /** Value of the {@code schema} key of {@code sensitivity.json}. */
    public static final String SCHEMA = "bitscarp.sensitivity/1";

    /** Name of the part that is a whole layer. */
    public static final String WHOLE_LAYER = "layer";

    /**
     * A model against full precision.
     *
     * @param kld mean KL(full precision ‖ model) in nats per token
     * @param kldStderr its standard error, tokens taken as independent
     * @param logRatio difference of mean negative log-likelihoods in nats: log of the ratio of perplexities
     * @param logRatioCi95 its 95 % interval, windows taken as independent
     */
    public record Measure(double kld, double kldStderr, double logRatio, double[] logRatioCi95) {}

    /**
     * @param layer from 0
     * @param name {@link #WHOLE_LAYER}, or the map
     * @param weights in it
     * @param bytes that it is packed in
     * @param alone only this part quantized
     * @param without all but this part quantized
     */
    public record Part(int layer, String name, long weights, long bytes, Measure alone, Measure without) {
        public boolean wholeLayer() {
            return name.equals(WHOLE_LAYER);
        }
    }

    /** Share of the divergence of the quantized model that keeping a part in full precision takes away. */
    public double recovered(Part part) {
        return 1 - part.without().kld() / all.kld();
    }

    /** Single maps, or whole layers where no map was looked at, the costliest first. */
    public List<Part> ranked() {
        boolean maps = parts.stream().anyMatch(p -> !p.wholeLayer());
        return parts.stream()
                .filter(p -> p.wholeLayer() != maps)
                .sorted(Comparator.comparingDouble((Part p) -> -p.alone().kld()))
                .toList();
    }
}
