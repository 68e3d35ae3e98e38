package org.bitscarp.model.internal.gguf;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.bitscarp.compute.Activation;
import org.bitscarp.model.NormSpec;
import org.bitscarp.model.TensorRole;

/**
 * An architecture of GGUF files as llama.cpp defines it ({@code src/models} there): what its files can say beyond sizes,
 * and where they hold each role. Roles under one name are stacked into one tensor, in the order of {@link TensorRole}.
 *
 * @param name {@code general.architecture}, also the prefix of its keys
 * @param aliases names of the same architecture in other containers; the first is the one of a Hugging Face folder
 * @param norm kind of all norms
 * @param activation of the feed-forward block
 * @param traits what else is true of it
 * @param names tensors by role, those in a layer without {@code blk.N.}
 * @param optional roles that a file may lack
 */
public record GgufFamily(
        String name,
        List<String> aliases,
        NormSpec.Kind norm,
        Activation activation,
        Set<Trait> traits,
        Map<TensorRole, String> names,
        Set<TensorRole> optional) {

    /** What tells one family from another besides its tensors. */
    public enum Trait {
        /** Query and key rows that rotate together are neighbours in the file. */
        NEIGHBOURING_PAIRS,
        /** Positions are learned, nothing rotates. */
        LEARNED_POSITIONS,
        /** Heads may be wider or narrower than hidden / heads. */
        FREE_HEADS,
        /** A tensor {@code rope_freqs.weight} may divide the frequencies of the rotation. */
        FREQUENCY_DIVISORS,
        /** Tensors {@code rope_factors_long.weight} and {@code rope_factors_short.weight} do so by window length. */
        LONG_ROPE,
        /** Only a part of each head may rotate. */
        PARTIAL_ROTATION,
        /** llama.cpp honours windows: all layers but every n-th have one. */
        WINDOWS,
        /** Layers with a window rotate with a base of their own, {@code rope.freq_base_swa}. */
        LOCAL_ROTATION,
        /** Embeddings are multiplied by √hidden. */
        SCALED_EMBEDDING,
        /** Attention scores and logits are capped. */
        SCORE_CAP,
        LOGIT_CAP,
        /** {@code use_parallel_residual} says how the blocks meet the residual stream. */
        PARALLEL_RESIDUAL,
        /** Layers may be routed to experts. */
        EXPERTS,
        /** Every layer is. */
        ONLY_EXPERTS,
        /** The output projection must be there, or must not. */
        OWN_HEAD,
        TIED_HEAD
    }

    public GgufFamily {
        aliases = List.copyOf(aliases);
        traits = Set.copyOf(traits);
        names = new EnumMap<>(names);
        optional = Set.copyOf(optional);
    }

    public boolean has(Trait trait) {
        return traits.contains(trait);
    }

    /** Name of the tensor that holds a role, or a part of which is that role. */
    public Optional<String> tensor(TensorRole role, int layer) {
        return Optional.ofNullable(names.get(role)).map(name -> role.inLayer() ? "blk." + layer + "." + name : name);
    }

    /** The roles that share a tensor with this one, itself included, from top to bottom. */
    public List<TensorRole> stackedWith(TensorRole role) {
        String name = names.get(role);
        return names.keySet().stream().filter(r -> names.get(r).equals(name)).toList();
    }

    /** Queries and keys whose rows lie in another order than in a {@code DecoderSpec}. */
    public boolean reordered(TensorRole role) {
        return has(Trait.NEIGHBOURING_PAIRS)
                && switch (role) {
                    case QUERY, KEY, QUERY_BIAS, KEY_BIAS -> true;
                    default -> false;
                };
    }

    /** A metadata key of this architecture. */
    public String key(String suffix) {
        return name + "." + suffix;
    }
}
