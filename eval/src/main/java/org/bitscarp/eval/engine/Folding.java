package org.bitscarp.eval.engine;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.bitscarp.compute.Activation;
import org.bitscarp.model.AttentionSpec;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.NormSpec;
import org.bitscarp.model.TensorRole;
import org.bitscarp.quant.Transform;
import org.bitscarp.quant.transform.Basis;
import org.bitscarp.quant.transform.Heads;
import org.bitscarp.quant.transform.Rotation;
import org.bitscarp.quant.transform.SharedChannels;

/** Where a transform acts in a decoder: which weights in front of a linear map can take over what is undone there. */
final class Folding {
    private final DecoderSpec spec;
    private final Transform transform;
    /** Whether what a block adds to the residual stream is normed before. */
    private final boolean postNorms;

    /** @param roles that the model has in any layer */
    Folding(DecoderSpec spec, Transform transform, Set<TensorRole> roles) {
        this.spec = spec;
        this.transform = transform;
        postNorms = roles.contains(TensorRole.ATTENTION_POST_NORM) || roles.contains(TensorRole.MLP_POST_NORM);
    }

    /** For a level of this model. */
    static Folding of(Checkpoint checkpoint, Transform transform) {
        Set<TensorRole> roles = EnumSet.noneOf(TensorRole.class);
        for (TensorRole role : TensorRole.values()) {
            if (role.inLayer() && checkpoint.anyLayer(role).isPresent()) {
                roles.add(role);
            }
        }
        return new Folding(checkpoint.spec(), transform, roles);
    }

    /** Why a transform cannot be applied to this model, with the remedy; empty where it can. */
    Optional<String> refusal() {
        if (transform.identity()) {
            return Optional.empty();
        }
        if (spec.activationBits() != 0) {
            return Optional.of("linear maps read activations rounded to " + spec.activationBits()
                    + " bits, and in another basis other values would be rounded; leave " + transform + " out");
        }
        if (transform.rotation() == Transform.Rotation.FOLDED
                && residualObstacle().isPresent()) {
            return Optional.of(residualObstacle().get() + "; leave the rotation out, or measure hadamard-online, which"
                    + " rotates inputs while the model runs");
        }
        if (transform.channelScales() && !scalesNorms()) {
            return Optional.of(
                    rotatesResidual() || transform.rotation() == Transform.Rotation.NONE
                            ? "no norm stands in front of its linear maps that could take over channel scales; leave awq out"
                            : "awq cannot pass through rotations that happen while the model runs; leave one of them out");
        }
        return Optional.empty();
    }

    /** What keeps the residual stream from being rotated. */
    private Optional<String> residualObstacle() {
        if (spec.residual() == DecoderSpec.Residual.POST_NORM) {
            return Optional.of(
                    "its norms stand on the residual stream itself, whose rotation their gains would not follow");
        }
        if (spec.norm().kind() == NormSpec.Kind.LAYER) {
            return Optional.of("its layer norms take out the mean of all channels, which a rotation moves elsewhere");
        }
        if (postNorms) {
            return Optional.of("it norms what a block adds to the residual stream, and the gains of those norms do not"
                    + " follow a rotation");
        }
        return Optional.empty();
    }

    /** Whether embedding, residual stream and output projection are rotated. */
    boolean rotatesResidual() {
        return transform.rotation() != Transform.Rotation.NONE
                && residualObstacle().isEmpty();
    }

    private boolean online() {
        return transform.rotation() == Transform.Rotation.ONLINE;
    }

    /** Whether input channels are scaled. */
    boolean scalesChannels() {
        return transform.channelScales();
    }

    private boolean scalesNorms() {
        boolean norms = spec.residual() != DecoderSpec.Residual.POST_NORM;
        return norms && (rotatesResidual() || transform.rotation() == Transform.Rotation.NONE);
    }

    /** The rotation of the residual stream. */
    Rotation residual() {
        return new Rotation(spec.hidden(), seed(0));
    }

    private long seed(int place) {
        return 1_000L * transform.seed() + place;
    }

    /** The norm whose output linear maps of this input role read; null where they read something else. */
    static TensorRole norm(TensorRole input) {
        return switch (input) {
            case QUERY -> TensorRole.ATTENTION_NORM;
            case UP, EXPERT_UP -> TensorRole.MLP_NORM;
            default -> null;
        };
    }

    /** The linear map whose outputs reach this input channel by channel; null where there is none. */
    static TensorRole producer(TensorRole input) {
        return switch (input) {
            case OUTPUT -> TensorRole.VALUE;
            case DOWN -> TensorRole.UP;
            case EXPERT_DOWN -> TensorRole.EXPERT_UP;
            default -> null;
        };
    }

    /**
     * What rotates the input of a linear map, the gain of the norm before it not counted; null for nothing.
     *
     * @param layer what the layer has
     */
    Basis.Orthogonal inputRotation(TensorRole input, Set<TensorRole> layer) {
        if (norm(input) != null) {
            if (rotatesResidual()) {
                return residual();
            }
            return online() ? new Rotation(spec.hidden(), seed(1 + input.ordinal())) : null;
        }
        int columns = Math.toIntExact(spec.shape(input).getLast());
        if (online()) {
            return new Rotation(columns, seed(1 + input.ordinal()));
        }
        return input == TensorRole.OUTPUT && rotatesValues(layer)
                ? heads(spec.attention().heads())
                : null;
    }

    /** What rotates the output of a linear map; null for nothing. */
    Basis.Orthogonal outputRotation(TensorRole role, Set<TensorRole> layer) {
        return switch (role) {
            case VALUE ->
                !online() && rotatesValues(layer) ? heads(spec.attention().kvHeads()) : null;
            case OUTPUT, DOWN, EXPERT_DOWN -> rotatesResidual() ? residual() : null;
            default -> null;
        };
    }

    /** Values are mixed with weights that all channels of a head share, so each head's can be rotated. */
    private boolean rotatesValues(Set<TensorRole> layer) {
        return transform.rotation() != Transform.Rotation.NONE && !layer.contains(TensorRole.ATTENTION_SUB_NORM);
    }

    private Heads heads(int count) {
        return new Heads(new Rotation(spec.attention().headDim(), seed(1)), count);
    }

    /** Inputs of the layer that can be scaled, in the order of its work. */
    List<TensorRole> scaled(Set<TensorRole> layer) {
        List<TensorRole> inputs = new ArrayList<>();
        for (TensorRole role : layer) {
            if (transform.channelScales() && role.linear() && role.input() == role && scales(role, layer)) {
                inputs.add(role);
            }
        }
        return inputs;
    }

    private boolean scales(TensorRole input, Set<TensorRole> layer) {
        if (norm(input) != null) {
            return scalesNorms();
        }
        if (online()) {
            return false;
        }
        return switch (input) {
            case OUTPUT -> !layer.contains(TensorRole.ATTENTION_SUB_NORM);
            case DOWN ->
                !layer.contains(TensorRole.MLP_SUB_NORM)
                        // Without a gate a factor has to pass through the activation function.
                        && (layer.contains(TensorRole.GATE) || spec.mlp().activation() == Activation.RELU);
            default -> true;
        };
    }

    /** Which channels of an input have to share a factor; null where none. */
    SharedChannels shared(TensorRole input) {
        AttentionSpec a = spec.attention();
        return input == TensorRole.OUTPUT ? new SharedChannels(a.heads(), a.kvHeads(), a.headDim()) : null;
    }
}
