package org.bitscarp.eval.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.DeviceQuantizer;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.Weight;
import org.bitscarp.quant.FloatFormat;
import org.bitscarp.quant.Level;

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
public record DeviceQuantization(
        List<Level> onDevice, List<Level> onHost, long needed, long more, long available) {
    /** What a lane may take for intermediate results: pieces of weights on both sides of a conversion. */
    private static final long LANE_BYTES = 2 * (64L << 20);

    /** For passes whose levels are quantized on the host. */
    static final DeviceQuantization NONE = new DeviceQuantization(List.of(), List.of(), 0, 0, 0);

    /**
     * Looks at what is free now.
     *
     * @param unitRows rows of the largest unit
     */
    static DeviceQuantization of(Backend backend, Checkpoint checkpoint, List<Level> levels, int unitRows) {
        DeviceQuantizer device = backend.quantizer().orElse(null);
        if (device == null) {
            return NONE;
        }
        List<Level> there = new ArrayList<>();
        List<Level> here = new ArrayList<>();
        for (Level level : levels) {
            if (level.format() != FloatFormat.FP32 || !level.transform().identity()) {
                (supports(device, checkpoint, level) ? there : here).add(level);
            }
        }
        long needed = bytes(checkpoint, levels, unitRows, backend.lanes());
        return new DeviceQuantization(there, here, needed, linearBytes(checkpoint), backend.availableMemory());
    }

    private static boolean supports(DeviceQuantizer device, Checkpoint checkpoint, Level level) {
        boolean all = level.transform().identity();
        for (TensorRole role : TensorRole.values()) {
            Weight weight = role.linear() ? checkpoint.anyLayer(role).orElse(null) : null;
            all &= weight == null
                    || device.supports(level.solver(), level.format(), Math.toIntExact(weight.columns()));
        }
        return all;
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

    private static long bytes(Checkpoint checkpoint, List<Level> levels, int unitRows, int lanes) {
        DecoderSpec spec = checkpoint.spec();
        boolean hessians = levels.stream().anyMatch(Level::usesHessian);
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
                // Sums and their factor.
                bytes += hessians && role.input() == role ? 8 * matrices * weight.columns() * weight.columns() : 0;
            }
        }
        // Weights may come in on a lane of their own.
        long scratch = (lanes + 1) * Math.min(LANE_BYTES, 4 * largest);
        return bytes + lanes * Workspace.bytes(spec, unitRows) + scratch + 8L * unitRows * spec.attention().headDim();
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
            return Optional.of("Levels were quantized on the host and uploaded packed: two copies of a layer and what goes"
                    + " with them take " + Preflight.size(needed) + " of device memory, which has "
                    + Preflight.size(available) + " (--vram).");
        }
        List<String> parts = new ArrayList<>();
        if (!onDevice.isEmpty()) {
            parts.add("quantized on the device from one upload of each layer: " + names(onDevice));
        }
        if (!onHost.isEmpty()) {
            parts.add("quantized on the host, for want of a kernel, and uploaded packed: " + names(onHost));
        }
        String text = String.join("; ", parts);
        return Optional.of(Character.toUpperCase(text.charAt(0)) + text.substring(1) + ".");
    }

    private static String names(List<Level> levels) {
        return levels.stream().map(Level::toString).collect(Collectors.joining(", "));
    }
}
