package org.bitscarp.eval.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.bitscarp.compute.Backend;
import org.bitscarp.compute.CpuBackend;
import org.bitscarp.compute.Tensor;
import org.bitscarp.compute.TensorMemory;
import org.bitscarp.cuda.GpuDevices;
import org.bitscarp.cuda.backend.ComputeType;
import org.bitscarp.cuda.backend.CudaBackend;
import org.bitscarp.cuda.driver.GpuDriver;
import org.bitscarp.eval.generate.ContinuationPlan;
import org.bitscarp.eval.generate.Sampler;
import org.bitscarp.model.Checkpoint;
import org.bitscarp.model.Checkpoints;
import org.bitscarp.model.TensorRole;
import org.bitscarp.model.TinyLlama;
import org.bitscarp.model.TinyTokenizer;
import org.bitscarp.quant.BlockFormat;
import org.bitscarp.quant.Level;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Levels at work on a device from their packed bytes. */
class PackedModelTest {
    private static final int LAYERS = 2;
    private static final int VOCABULARY = 300;
    private static final long PLENTY = 1L << 28;
    /** Does not hold a layer twice, so the host quantizes, which is quicker than an emulated device. */
    private static final long LITTLE = 4 << 20;

    private static final int[] PROMPTS = {6, 9};
    /** More than are multiplied from packed weights. */
    private static final int MANY = 66;

    @TempDir
    Path folder;

    private Checkpoint checkpoint;
    private final ContinuationPlan plan = new ContinuationPlan(
            java.util.Arrays.stream(PROMPTS)
                    .mapToObj(
                            n -> new SplittableRandom(n).ints(n, 0, VOCABULARY).toArray())
                    .toList(),
            List.of(Sampler.GREEDY),
            3);

    @BeforeEach
    void open() throws IOException {
        Path model = new TinyLlama()
                .vocabulary(VOCABULARY)
                .hidden(256)
                .ffn(256)
                .layers(LAYERS)
                .seed(9)
                .write(Files.createDirectories(folder.resolve("model")));
        Files.writeString(model.resolve("tokenizer.json"), TinyTokenizer.json(false));
        checkpoint = Checkpoints.open(model);
    }

    @AfterEach
    void close() {
        checkpoint.close();
    }

    private static CudaBackend emulated(GpuDriver driver, long memory) {
        return new CudaBackend(driver, memory, ComputeType.FP32, 2);
    }

    private static Sweep write(Checkpoint model, Backend backend, ContinuationPlan plan, String levels)
            throws IOException {
        int[] text =
                new SplittableRandom(1).ints(4, 0, model.spec().vocabulary()).toArray();
        try (backend) {
            Sweep sweep = new Sweep(
                            model,
                            Measurements.resources(backend),
                            Measurements.plan(text, text.length),
                            null,
                            Recipe.of(model, Level.parseList(levels)))
                    .letWrite(plan);
            sweep.run();
            return sweep;
        }
    }

    @Test
    void levelsWriteWhatTheyWriteOnTheCpu() throws IOException {
        String levels = "fp32,fp16,int4,nf4,q4_k,q2_k,int4:hadamard";
        Sweep cpu = write(checkpoint, CpuBackend.create(CpuBackend.MatrixProduct.JAVA, 2), plan, levels);
        GpuDriver driver = GpuDevices.emulated();
        Sweep device = write(checkpoint, emulated(driver, LITTLE), plan, levels);
        driver.ledger().requireEmpty();
        for (int level = 0; level < cpu.written().size(); level++) {
            for (int text = 0; text < PROMPTS.length; text++) {
                assertArrayEquals(
                        cpu.written().get(level).get(text),
                        device.written().get(level).get(text),
                        "level " + level + ", text " + text);
            }
        }
        assertTrue(cpu.writingNote().isEmpty());
        assertEquals(
                "Continuations are products with packed weights on the device: fp16, int4, nf4, q4_k, q2_k; continuations"
                        + " with some weights decoded first: int4:hadamard.",
                device.writingNote().orElseThrow());
    }

    /** Each expert's maps lie packed behind one another. */
    @Test
    void expertsWriteWhatTheyWriteOnTheCpu() throws IOException {
        ContinuationPlan texts =
                new ContinuationPlan(List.of(new int[] {3, 1, 4, 1, 5}, new int[] {9, 2}), List.of(Sampler.GREEDY), 4);
        try (Checkpoint mixtral = Checkpoints.open(Path.of("src/test/resources/fixtures/mixtral"))) {
            Sweep cpu = write(mixtral, CpuBackend.create(CpuBackend.MatrixProduct.JAVA, 2), texts, "fp32,int3:g5");
            Sweep device = write(mixtral, emulated(GpuDevices.emulated(), PLENTY), texts, "fp32,int3:g5");
            for (int level = 0; level < 2; level++) {
                for (int text = 0; text < 2; text++) {
                    assertArrayEquals(
                            cpu.written().get(level).get(text),
                            device.written().get(level).get(text));
                }
            }
            assertTrue(device.writingNote().orElseThrow().contains("packed weights on the device: int3:g5"));
        }
    }

    @Test
    void theDeviceHoldsPackedBytesAndOneDecodedMap() throws IOException {
        BlockFormat format = Level.parse("q4_k").format();
        long linear = 0;
        long others = 0;
        long largest = 0;
        for (TensorRole role : TensorRole.values()) {
            long size = role.inLayer()
                    ? checkpoint.anyLayer(role).map(w -> w.size()).orElse(0L)
                    : 0;
            linear += role.linear() ? size : 0;
            others += role.linear() ? 0 : size;
            largest = Math.max(largest, size);
        }
        GpuDriver driver = GpuDevices.emulated();
        try (Lanes lanes = new Lanes(2);
                CudaBackend backend = emulated(driver, PLENTY)) {
            WeightReader reader = new WeightReader(checkpoint, lanes);
            try (PackedLevels levels = RoundedLevels.of(format, LAYERS, reader, folder)) {
                long before = backend.availableMemory();
                try (LevelModel model =
                        new LevelModel(backend, reader, levels, 0, LAYERS, manyRows(), 4 * LAYERS * linear, lanes)) {
                    assertEquals(LevelModel.Weights.PACKED, model.weights());
                    for (int layer = 0; layer < LAYERS; layer++) {
                        model.layer(layer);
                    }
                    long used = before - backend.availableMemory();
                    // A super-block of 256 weights takes 144 bytes.
                    assertEquals(LAYERS * (linear * 144 / 256 + 4 * others) + 4 * largest, used);
                    assertTrue(used < 2 * linear, "not half of one decoded layer");
                }
                assertEquals(before, backend.availableMemory());
            }
        }
        driver.ledger().requireEmpty();
    }

    /** Layers that come one at a time give the bits of those that stay, where formats differ from layer to layer too. */
    @Test
    void roomChangesNoBit() throws IOException {
        GpuDriver driver = GpuDevices.emulated();
        try (Lanes lanes = new Lanes(2);
                CudaBackend backend = emulated(driver, PLENTY);
                TensorMemory memory = backend.newMemory();
                Arena arena = Arena.ofConfined()) {
            WeightReader reader = new WeightReader(checkpoint, lanes);
            try (PackedLevels small = RoundedLevels.of(Level.parse("q2_k").format(), LAYERS, reader, folder);
                    PackedLevels large = RoundedLevels.of(Level.parse("int8").format(), LAYERS, reader, folder);
                    PackedLevels mixed = new PackedLevels(0, 0, folder)) {
                for (int layer = 0; layer < LAYERS; layer++) {
                    for (TensorRole role : TensorRole.values()) {
                        for (PackedLevels.Kept kept : (layer == 1 ? large : small).get(0, layer, role)) {
                            mixed.keep(0, layer, role, kept.matrix(), kept.change());
                        }
                    }
                }
                Tensor x = memory.allocate(MANY, 256);
                backend.upload(arena.allocateFrom(ValueLayout.JAVA_FLOAT, floats(MANY * 256)), x);
                try (LevelModel all = new LevelModel(backend, reader, mixed, 0, LAYERS, manyRows(), PLENTY, lanes);
                        LevelModel single = new LevelModel(backend, reader, mixed, 0, LAYERS, manyRows(), 0, lanes)) {
                    for (int layer : new int[] {0, 1, 0}) {
                        for (int rows : new int[] {7, MANY}) {
                            Tensor some = x.slice(0, rows);
                            float[] expected = keys(backend, memory, all.layer(layer), some);
                            assertArrayEquals(
                                    expected, keys(backend, memory, single.layer(layer), some), "layer " + layer);
                        }
                    }
                    assertTrue(LinearMap.Packed.class.isInstance(all.layer(0).map(backend, TensorRole.KEY)));
                }
            }
        }
        driver.ledger().requireEmpty();
    }

    /** A first run of more rows than are multiplied from packed weights. */
    private static ContinuationPlan manyRows() {
        return new ContinuationPlan(List.of(new int[MANY]), List.of(Sampler.GREEDY), 1);
    }

    private static float[] floats(int count) {
        SplittableRandom random = new SplittableRandom(2);
        float[] floats = new float[count];
        for (int i = 0; i < count; i++) {
            floats[i] = (float) random.nextDouble(-1, 1);
        }
        return floats;
    }

    private static float[] keys(Backend backend, TensorMemory memory, LayerWeights weights, Tensor x) {
        Tensor y = memory.allocate(x.rows(), 128);
        weights.map(backend, TensorRole.KEY).multiply(x, y);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment host = arena.allocate(4L * x.rows() * y.columns(), 4);
            backend.download(y, host);
            return host.toArray(ValueLayout.JAVA_FLOAT);
        }
    }
}
