package org.bitscarp.eval.engine;

import java.util.Map;
import org.bitscarp.compute.DeviceMoments;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.InputStatistics;
import org.bitscarp.quant.gptq.CrossMoments;

/**
 * Mean squared activation per input channel of one layer's linear maps, as {@link Calibration} found it.
 *
 * @param overall by {@link TensorRole#input}; for experts the mean over all tokens of all experts
 * @param moments second moments by role and expert, where a level asked for them
 * @param ofExperts by role, then expert; 0 for a map that is not one of several. Experts without tokens are absent
 * @param rows how many inputs each of those means is over
 * @param cross what the inputs lack of full precision's, by role and expert, where a level asked for it
 */
record Importance(
        Map<TensorRole, float[]> overall,
        Map<TensorRole, Map<Integer, float[]>> ofExperts,
        Map<TensorRole, Map<Integer, HessianSums.Moments>> moments,
        Map<TensorRole, Map<Integer, Long>> rows,
        Map<TensorRole, Map<Integer, CrossMoments>> cross) {
    /** Of inputs that lack nothing of full precision's. */
    Importance(
            Map<TensorRole, float[]> overall,
            Map<TensorRole, Map<Integer, float[]>> ofExperts,
            Map<TensorRole, Map<Integer, HessianSums.Moments>> moments,
            Map<TensorRole, Map<Integer, Long>> rows) {
        this(overall, ofExperts, moments, rows, Map.of());
    }

    /** Without calibration. */
    static final Importance NONE = new Importance(Map.of(), Map.of(), Map.of(), Map.of());

    /** Importances of a matrix, those of all experts where none of this one's were seen; null without calibration. */
    float[] of(TensorRole role, int expert) {
        float[] own = ofExperts.getOrDefault(role.input(), Map.of()).get(expert);
        return own != null ? own : overall.get(role.input());
    }

    /** All that is known of a matrix's inputs; null without calibration. An expert without tokens has no Hessian. */
    InputStatistics inputs(TensorRole role, int expert) {
        float[] meanSquares = of(role, expert);
        HessianSums.Moments own = moments(role, expert);
        CrossMoments lacking = cross.getOrDefault(role.input(), Map.of()).get(expert);
        return meanSquares == null ? null : new InputStatistics(meanSquares, own == null ? null : own.host(), lacking);
    }

    /** Second moments where they were summed; null where the device does not quantize, or there are none. */
    DeviceMoments onDevice(TensorRole role, int expert) {
        HessianSums.Moments own = moments(role, expert);
        return own == null ? null : own.device();
    }

    private HessianSums.Moments moments(TensorRole role, int expert) {
        return moments.getOrDefault(role.input(), Map.of()).get(expert);
    }

    /** Whether there was calibration and this expert saw none of it. */
    boolean unsampled(TensorRole role, int expert) {
        return overall.containsKey(role.input()) && !ofExperts.get(role.input()).containsKey(expert);
    }
}
