package org.bitscarp.model.internal.architectures;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.bitscarp.compute.Activation;
import org.bitscarp.model.DecoderSpec;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.internal.ConfigFields;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What keys of a configuration mean; forward passes are compared with transformers in the evaluation's fixtures. */
class ArchitecturesTest {
    private static final JsonMapper MAPPER = new JsonMapper();
    private static final String WIDTHS = """
            "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 8, "num_attention_heads": 32, \
            "vocab_size": 100, "n_embd": 64, "n_layer": 8, "n_head": 4, "ffn_dim": 96""";

    private static Architecture.Model read(String type, String more) throws ModelException {
        String json = "{\"model_type\": \"" + type + "\", " + WIDTHS + "}";
        ObjectNode config = (ObjectNode) MAPPER.readTree(json);
        config.setAll((ObjectNode) MAPPER.readTree("{" + more + "}"));
        return Architectures.read(new ConfigFields(Path.of("config.json"), "", config));
    }

    private static DecoderSpec spec(String type, String more) throws ModelException {
        return read(type, more).spec();
    }

    private static List<Integer> windows(String type, String more) throws ModelException {
        return spec(type, more).attention().windows();
    }

    @Test
    void qwenHasWindowsOnlyWhereTheyAreSwitchedOn() throws ModelException {
        assertEquals(List.of(), windows("qwen2", "\"sliding_window\": 16, \"max_window_layers\": 4"));
        assertEquals(
                List.of(0, 0, 0, 0, 0, 0, 16, 16),
                windows("qwen2", "\"use_sliding_window\": true, \"sliding_window\": 16, \"max_window_layers\": 6"));
        assertEquals(
                List.of(16, 16, 16, 16, 16, 16, 16, 16),
                windows("qwen3", "\"use_sliding_window\": true, \"sliding_window\": 16, \"max_window_layers\": 0"));
    }

    @Test
    void gemmaAlternates() throws ModelException {
        assertEquals(List.of(4096, 0, 4096, 0, 4096, 0, 4096, 0), windows("gemma2", ""));
        assertEquals(List.of(512, 512, 512, 512, 512, 0, 512, 512), windows("gemma3_text", "\"sliding_window\": 512"));
        assertEquals(
                List.of(512, 0, 512, 0, 512, 0, 512, 0),
                windows("gemma3_text", "\"sliding_window\": 512, \"sliding_window_pattern\": 2"));
        assertEquals(List.of(), windows("gemma2", "\"sliding_window\": null"));
    }

    @Test
    void softCapsOfNullAreNone() throws ModelException {
        assertEquals(50, spec("gemma2", "").attention().softCap());
        assertEquals(30, spec("gemma2", "").logitSoftCap());
        assertEquals(
                0,
                spec("gemma2", "\"attn_logit_softcapping\": null").attention().softCap());
        assertEquals(0, spec("gemma2", "\"final_logit_softcapping\": null").logitSoftCap());
        assertEquals(0, spec("gemma3_text", "").logitSoftCap());
    }

    @Test
    void gemmaThreeHasTwoRotations() throws ModelException {
        String old = "\"rope_theta\": 1000, \"rope_local_base_freq\": 100, "
                + "\"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 8}";
        String now = "\"rope_parameters\": {\"full_attention\": {\"rope_type\": \"linear\", \"factor\": 8, "
                + "\"rope_theta\": 1000}, \"sliding_attention\": {\"rope_type\": \"default\", \"rope_theta\": 100}}";
        for (String spelling : List.of(old, now)) {
            DecoderSpec spec = spec("gemma3_text", spelling + ", \"head_dim\": 4");
            assertEquals(1 / 8.0, spec.attention().rope(5).inverseFrequencies()[0]);
            assertEquals(Math.pow(1000, -0.5) / 8, spec.attention().rope(5).inverseFrequencies()[1], 1e-15);
            assertEquals(1, spec.attention().rope(0).inverseFrequencies()[0]);
            assertEquals(0.1, spec.attention().rope(0).inverseFrequencies()[1], 1e-15);
        }
        DecoderSpec absent = spec("gemma3_text", "\"head_dim\": 4");
        assertEquals(1e-3, absent.attention().rope(5).inverseFrequencies()[1], 1e-15);
        assertEquals(1e-2, absent.attention().rope(0).inverseFrequencies()[1], 1e-15);
    }

    @Test
    void expertsInSomeLayers() throws ModelException {
        Architecture.Model model = read("qwen3_moe", """
                "decoder_sparse_step": 2, "mlp_only_layers": [3], "num_experts": 4, "num_experts_per_tok": 2, \
                "moe_intermediate_size": 32""");
        for (int layer = 0; layer < 8; layer++) {
            boolean routed = layer % 2 == 1 && layer != 3;
            assertEquals(
                    routed, model.layout().placement(TensorRole.ROUTER, layer).isPresent(), "layer " + layer);
            assertEquals(
                    !routed, model.layout().placement(TensorRole.DOWN, layer).isPresent(), "layer " + layer);
        }
        assertFalse(model.spec().mlp().normalizedWeights());
        assertEquals(96, model.spec().mlp().width());
        assertEquals(0, spec("qwen3_moe", "\"moe_intermediate_size\": 32").mlp().width());
        assertTrue(spec("mixtral", "").mlp().normalizedWeights());
    }

    @Test
    void longWindowsOfPhiRotateOtherwise() throws ModelException {
        DecoderSpec spec = spec("phi3", """
                "num_attention_heads": 16, "max_position_embeddings": 1024, "original_max_position_embeddings": 256, \
                "rope_scaling": {"type": "su", "short_factor": [1, 2], "long_factor": [4, 8]}""");
        double[] shorter = spec.attention().rope().frequencies(256);
        double[] longer = spec.attention().rope().frequencies(257);
        assertEquals(1, shorter[0]);
        assertEquals(0.005, shorter[1], 1e-15);
        assertEquals(0.25, longer[0]);
        assertEquals(0.00125, longer[1], 1e-15);
        assertEquals(
                Math.sqrt(1 + Math.log(4) / Math.log(256)),
                spec.attention().rope().attentionFactor(),
                1e-15);
    }

    @Test
    void partsOfAHeadRotate() throws ModelException {
        assertEquals(
                2,
                spec("gpt_neox", "\"num_attention_heads\": 4")
                        .attention()
                        .rope()
                        .inverseFrequencies()
                        .length);
        assertEquals(
                3,
                spec("phi3", "\"num_attention_heads\": 8, \"partial_rotary_factor\": 0.75")
                        .attention()
                        .rope()
                        .inverseFrequencies()
                        .length);
    }

    @Test
    void wiringOfTheOlderFamilies() throws ModelException {
        DecoderSpec gpt2 = spec("gpt2", "");
        assertNull(gpt2.attention().rope());
        assertEquals(256, gpt2.mlp().width());
        assertEquals(Activation.GELU_TANH, gpt2.mlp().activation());
        assertEquals(
                1, spec("gpt2", "\"scale_attn_weights\": false").attention().scale());
        assertEquals(
                DecoderSpec.Residual.PARALLEL,
                spec("gpt_neox", "\"num_attention_heads\": 4").residual());
        Architecture.Model opt = read("opt", "\"do_layer_norm_before\": false");
        assertEquals(DecoderSpec.Residual.POST_NORM, opt.spec().residual());
        assertTrue(opt.layout().placement(TensorRole.FINAL_NORM, 0).isEmpty());
        assertNotNull(
                read("opt", "").layout().placement(TensorRole.FINAL_NORM, 0).orElse(null));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "gpt_j||architecture gpt_j is not supported; supported: LlamaForCausalLM",
                "mistral|\"layer_types\": []|layer_types: expected nothing",
                "mistral|\"sliding_window\": 0|sliding_window: expected an integer from 1",
                "qwen2|\"layer_types\": [\"full_attention\"]|layer_types: expected an array of 8",
                "qwen2|\"layer_types\": [1,2,3,4,5,6,7,8]|layer_types of layer 0: expected full_attention or",
                "gemma2|\"use_bidirectional_attention\": true|use_bidirectional_attention: expected false",
                "gemma2|\"query_pre_attn_scalar\": 0|query_pre_attn_scalar: expected a number",
                "gemma2|\"rope_parameters\": {\"full_attention\": {}}|rope_parameters.full_attention: expected nothing",
                "phi3|\"rope_scaling\": {\"type\": \"linear\", \"factor\": 2}|one of default, longrope",
                "phi3|\"rope_scaling\": {\"type\": \"longrope\", \"short_factor\": [1, 1]}|short_factor: expected an array of 1",
                "phi3|\"partial_rotary_factor\": 0.1|0 rotated values",
                "gpt2|\"scale_attn_by_inverse_layer_idx\": true|scale_attn_by_inverse_layer_idx: expected false",
                "gpt2|\"n_head\": 5|n_head: expected a divisor of n_embd (64)",
                "opt|\"word_embed_proj_dim\": 32|word_embed_proj_dim: expected hidden_size (64)",
                "opt|\"layer_norm_elementwise_affine\": false|layer_norm_elementwise_affine: expected true",
                "mixtral|\"num_local_experts\": 2, \"num_experts_per_tok\": 3|at most the number of experts (2)",
                "mixtral|\"num_local_experts\": 1000000|num_local_experts: expected an integer from 1 to 4096",
                "qwen3_moe|\"mlp_only_layers\": 3, \"moe_intermediate_size\": 8|mlp_only_layers: expected an array",
                "bitnet|\"num_attention_heads\": 4|num_key_value_heads: expected a divisor of num_attention_heads (4); absent means 5",
            })
    void wrongValuesAreNamed(String type, String more, String message) {
        String found = assertThrows(ModelException.class, () -> read(type, more == null ? "" : more))
                .getMessage();
        assertTrue(found.contains(message), found);
    }

    /** A GGUF file's name of the family, and the architecture that its folder gets. */
    @ParameterizedTest
    @CsvSource({
        "llama,llama,LlamaForCausalLM,''",
        "mistral,llama,MistralForCausalLM,'\"sliding_window\": 16'",
        "mixtral,llama,MixtralForCausalLM,'\"num_local_experts\": 4, \"sliding_window\": null'",
        "qwen2,qwen2,Qwen2ForCausalLM,'\"rope_theta\": 1000000'",
        "qwen3,qwen3,Qwen3ForCausalLM,'\"head_dim\": 16, \"rms_norm_eps\": 1e-6'",
        "qwen3_moe,qwen3moe,Qwen3MoeForCausalLM,'\"moe_intermediate_size\": 32, \"norm_topk_prob\": true'",
        "gemma2,gemma2,Gemma2ForCausalLM,'\"head_dim\": 16'",
        "gemma3_text,gemma3,Gemma3ForCausalLM,'\"head_dim\": 16, \"sliding_window\": 8'",
        "phi3,phi3,Phi3ForCausalLM,'\"partial_rotary_factor\": 0.5, \"sliding_window\": 8'",
        "bitnet,bitnet,BitNetForCausalLM,'\"hidden_act\": \"silu\"'"
    })
    void writtenAndReadAgain(String type, String family, String architecture, String more) throws ModelException {
        DecoderSpec read = spec(
                type, "\"num_attention_heads\": 4, \"num_key_value_heads\": 2" + (more.isEmpty() ? "" : ", " + more));
        DecoderSpec named = new DecoderSpec(
                family,
                read.vocabulary(),
                read.hidden(),
                read.layers(),
                read.attention(),
                read.mlp(),
                read.norm(),
                read.residual(),
                read.embeddingScale(),
                read.logitSoftCap(),
                read.activationBits(),
                read.tiedHead(),
                read.maxPositions());
        ConfigWriter.Written written = ConfigWriter.write(Path.of("m.gguf"), named, false, false);
        assertEquals(architecture, written.model().spec().architecture());
        assertEquals(read.mlp(), written.model().spec().mlp());
        assertEquals(
                read.attention().windows(), written.model().spec().attention().windows());
    }

    /** Frequencies are all that a decoder knows of a scaling: its parameters are found again. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "500000|'rope_type': 'llama3', 'factor': 8.0, 'low_freq_factor': 1.0, 'high_freq_factor': 4.0,"
                        + " 'original_max_position_embeddings': 8192",
                "500000|'rope_type': 'llama3', 'factor': 32.0, 'low_freq_factor': 1.0, 'high_freq_factor': 4.0,"
                        + " 'original_max_position_embeddings': 8192",
                "1000000|'rope_type': 'yarn', 'factor': 4.0, 'original_max_position_embeddings': 32768",
                "10000|'rope_type': 'yarn', 'factor': 16.0, 'attention_factor': 1.5,"
                        + " 'original_max_position_embeddings': 4096",
                "10000|'rope_type': 'linear', 'factor': 2.5"
            })
    void scalingsAreFoundAgain(double theta, String scaling) throws ModelException {
        String section = "{" + scaling.replace('\'', '"') + "}";
        DecoderSpec spec = spec(
                "llama",
                "\"num_attention_heads\": 2, \"head_dim\": 128, \"max_position_embeddings\": 131072, \"rope_theta\": "
                        + theta + ", \"rope_scaling\": " + section);
        DecoderSpec named = DecoderSpec.llama(
                "llama",
                spec.vocabulary(),
                spec.hidden(),
                spec.layers(),
                spec.attention(),
                spec.mlp().width(),
                spec.norm().epsilon(),
                spec.tiedHead(),
                spec.maxPositions());
        ObjectNode written =
                ConfigWriter.write(Path.of("m.gguf"), named, false, false).config();
        assertEquals(JsonMapper.shared().readTree(section), written.get("rope_scaling"));
        assertEquals(theta, written.get("rope_theta").doubleValue());
    }
}
