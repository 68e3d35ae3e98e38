package org.bitscarp.eval.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.DeviceQuantizer;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.FloatFormat;
import org.bitscarp.quant.Level;
import org.bitscarp.quant.Solver;
import org.bitscarp.quant.Solvers;

/**
 * Which levels a device quantizes from the one upload of a layer that they share, decided before a pass takes any of its
 * memory. The bytes are the same wherever they are made, so this decides about time and nothing else.
 *
 * @param onDevice levels with a kernel
 * @param onHost levels without one, whose packed bytes are uploaded
 * @param needed bytes of device memory that it takes to keep a layer in full precision beside a level's
 * @param more bytes for the next layer, which then comes in meanwhile
 * @param available bytes that there are
 */
public record DeviceQuantization(List<String> onDevice, List<String> onHost, long needed, long more, long available) {
    /** What a lane may take for intermediate results: pieces of weights on both sides of a conversion. */
    private static final long LANE_BYTES = 2 * (64L << 20);

    /** For passes whose levels are quantized on the host. */
    static final DeviceQuantization NONE = new DeviceQuantization(List.of(), List.of(), 0, 0, 0);

    /**
     * Looks at what is free now.
     *
     * @param unitRows rows of the largest unit
     */
    static DeviceQuantization of(Backend backend, Checkpoint checkpoint, List<Recipe> recipes, int unitRows) {
        DeviceQuantizer device = backend.quantizer().orElse(null);
        if (device == null) {
            return NONE;
        }
        List<String> there = new ArrayList<>();
        List<String> here = new ArrayList<>();
        for (Recipe recipe : recipes) {
            if (recipe.level().format() != FloatFormat.FP32
                    || !recipe.level().transform().identity()) {
                (supports(device, checkpoint, recipe) ? there : here).add(recipe.name());
            }
        }
        long needed = bytes(checkpoint, unitRows, backend.lanes()) + momentsBytes(device, checkpoint, recipes);
        return new DeviceQuantization(there, here, needed, linearBytes(checkpoint), backend.availableMemory());
    }

    private static boolean supports(DeviceQuantizer device, Checkpoint checkpoint, Recipe recipe) {
        boolean all = recipe.level().transform().identity() && !recipe.level().asymmetric();
        for (TensorRole role : TensorRole.values()) {
            for (int layer = 0; role.linear() && layer < checkpoint.spec().layers(); layer++) {
                Weight weight = checkpoint.weight(role, layer).orElse(null);
                all &= weight == null || supports(device, recipe, role, layer, Math.toIntExact(weight.columns()));
            }
        }
        return all;
    }

    private static boolean supports(DeviceQuantizer device, Recipe recipe, TensorRole role, int layer, int columns) {
        BlockFormat format = recipe.maps().format(role, layer);
        Solver solver = recipe.level().solver();
        return device.supports(solver.supports(format) ? solver : Solvers.RTN, format, columns);
    }

    /** Linear maps of a layer in fp32. */
    private static long linearBytes(Checkpoint checkpoint) {
        long bytes = 0;
        for (TensorRole role : TensorRole.values()) {
            Weight weight = role.linear() ? checkpoint.anyLayer(role).orElse(null) : null;
            bytes += weight == null ? 0 : 4 * weight.size();
        }
        return bytes;
    }

    /**
     * Sums of x·xᵀ and what is made of them, for all inputs of a layer. Levels that measure inputs behind their own maps have
     * one at a time, beside those of full precision.
     */
    private static long momentsBytes(DeviceQuantizer device, Checkpoint checkpoint, List<Recipe> recipes) {
        List<Level> levels =
                recipes.stream().map(Recipe::level).filter(Level::usesHessian).toList();
        List<Solver> together = levels.stream()
                .filter(level -> !level.sequential())
                .map(Level::solver)
                .toList();
        List<Solver> apart =
                levels.stream().filter(Level::sequential).map(Level::solver).toList();
        long all = 0;
        long largest = 0;
        for (LayerInput input : LayerInput.of(checkpoint)) {
            int channels = input.channels();
            long sums = 4L * channels * channels;
            all += together.isEmpty() ? 0 : input.experts() * (sums + device.momentsBytes(channels, together));
            for (Solver solver : apart) {
                largest = Math.max(largest, input.experts() * (sums + device.momentsBytes(channels, List.of(solver))));
            }
        }
        return all + largest;
    }

    private static long bytes(Checkpoint checkpoint, int unitRows, int lanes) {
        DecoderSpec spec = checkpoint.spec();
        long bytes = linearBytes(checkpoint);
        long largest = 0;
        for (TensorRole role : TensorRole.values()) {
            Weight weight = role.inLayer() ? checkpoint.anyLayer(role).orElse(null) : null;
            if (weight == null) {
                continue;
            }
            bytes += 4 * weight.size();
            if (role.linear()) {
                int matrices = role.perExpert() ? spec.mlp().experts() : 1;
                largest = Math.max(largest, 4 * weight.size() / matrices);
            }
        }
        // Weights may come in on a lane of their own.
        long scratch = (lanes + 1) * Math.min(LANE_BYTES, 4 * largest);
        return bytes
                + lanes * Workspace.bytes(spec, unitRows)
                + scratch
                + 8L * unitRows * spec.attention().headDim();
    }

    /** Whether levels are quantized on the device: some have a kernel, and a layer fits twice. */
    boolean used() {
        return !onDevice.isEmpty() && needed <= available;
    }

    /** Whether the next layer comes in while one is at work: there is room for a third copy. */
    boolean ahead() {
        return used() && needed + more <= available;
    }

    /** For reports: what was quantized where, and why; empty where there is no device. */
    public Optional<String> note() {
        if (onDevice.isEmpty() && onHost.isEmpty()) {
            return Optional.empty();
        }
        if (!onDevice.isEmpty() && !used()) {
            return Optional.of(
                    "Levels were quantized on the host and uploaded packed: two copies of a layer and what goes"
                            + " with them take " + Preflight.size(needed) + " of device memory, which has "
                            + Preflight.size(available) + " (--vram).");
        }
        List<String> parts = new ArrayList<>();
        if (!onDevice.isEmpty()) {
            parts.add("quantized on the device from one upload of each layer: " + String.join(", ", onDevice));
        }
        if (!onHost.isEmpty()) {
            parts.add("quantized on the host, for want of a kernel, and uploaded packed: " + String.join(", ", onHost));
        }
        String text = String.join("; ", parts);
        return Optional.of(Character.toUpperCase(text.charAt(0)) + text.substring(1) + ".");
    }
}
