package org.bitscarp.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.bitscarp.quant.NumberFormat;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @EnumSource(NumberFormat.class)
    void everyTensorReadsBackInEveryFormat(NumberFormat format) throws IOException {
        for (int shards : new int[] {1, 3}) {
            TinyLlama llama = new TinyLlama()
                    .format(format)
                    .shards(shards)
                    .tied(false)
                    .biases(true)
                    .headDim(6);
            Path model = llama.write(Files.createTempDirectory(folder, "m"));
            try (Checkpoint checkpoint = Checkpoints.open(model);
                    Arena arena = Arena.ofConfined()) {
                assertEquals(llama.tensors().size(), checkpoint.tensors().size());
                for (SafetensorsWriter.Tensor tensor : llama.tensors()) {
                    TensorInfo info = checkpoint.tensors().stream()
                            .filter(t -> t.name().equals(tensor.name()))
                            .findFirst()
                            .orElseThrow();
                    assertEquals(format, info.format());
                    byte[] expected = TinyLlama.encode(format, llama.values(tensor));
                    MemorySegment mapped = checkpoint.map(info, 0, info.rows(), arena);
                    assertArrayEquals(expected, mapped.toArray(ValueLayout.JAVA_BYTE), tensor.name());
                }
            }
        }
    }

    @Test
    void everyRoleOfALlamaHasItsTensor() throws IOException {
        TinyLlama llama = new TinyLlama().tied(false).biases(true);
        try (Checkpoint checkpoint = Checkpoints.open(llama.write(folder))) {
            int found = 0;
            for (TensorRole role : TensorRole.values()) {
                for (int layer = 0; layer < (role.inLayer() ? 2 : 1); layer++) {
                    if (checkpoint.weight(role, layer).isEmpty()) {
                        continue;
                    }
                    found++;
                    TensorInfo tensor = checkpoint.tensor(role, layer).orElseThrow();
                    assertEquals(checkpoint.spec().shape(role), tensor.shape());
                    assertTrue(!role.inLayer() || tensor.name().contains("layers." + layer + "."));
                }
            }
            assertEquals(found, checkpoint.tensors().size());
            assertEquals(found, checkpoint.weights().size());
            assertThrows(IndexOutOfBoundsException.class, () -> checkpoint.tensor(TensorRole.QUERY, 2));
        }
    }

    @Test
    void rowsMapWhereTheyLieAndAreCounted() throws IOException {
        TinyLlama llama = new TinyLlama();
        try (Checkpoint checkpoint = Checkpoints.open(llama.write(folder));
                Arena arena = Arena.ofConfined()) {
            assertEquals(0, checkpoint.bytesMapped());
            TensorInfo up = checkpoint.tensor(TensorRole.UP, 1).orElseThrow();
            byte[] whole = checkpoint.map(up, 0, 48, arena).toArray(ValueLayout.JAVA_BYTE);
            byte[] rows = checkpoint.map(up, 5, 7, arena).toArray(ValueLayout.JAVA_BYTE);
            int row = 32 * 4;
            assertArrayEquals(java.util.Arrays.copyOfRange(whole, 5 * row, 12 * row), rows);
            assertEquals((48 + 7) * row, checkpoint.bytesMapped());
            assertEquals(0, checkpoint.map(up, 48, 0, arena).byteSize());
            assertThrows(IndexOutOfBoundsException.class, () -> checkpoint.map(up, 40, 9, arena));
            assertThrows(IndexOutOfBoundsException.class, () -> checkpoint.map(up, -1, 1, arena));
            TensorInfo norm = checkpoint.tensor(TensorRole.FINAL_NORM, 0).orElseThrow();
            assertEquals(1, norm.rows());
            assertEquals(32 * 4, checkpoint.map(norm, 0, 1, arena).byteSize());
            TensorInfo foreign = new TensorInfo("x", NumberFormat.FP32, List.of(1L), Path.of("elsewhere"), 0);
            assertThrows(IllegalArgumentException.class, () -> checkpoint.map(foreign, 0, 1, arena));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = NumberFormat.class,
            names = {"FP32", "BF16"})
    void rowsInFp32AreHandedOutAsTheyLie(NumberFormat format) throws IOException {
        int mapped = 0;
        try (Checkpoint checkpoint =
                        Checkpoints.open(new TinyLlama().format(format).write(folder));
                Arena arena = Arena.ofConfined()) {
            for (Weight weight : checkpoint.weights()) {
                long rows = weight.rows() / 2;
                MemorySegment values = weight.mapped(rows, rows, arena).orElse(null);
                if (values != null) {
                    MemorySegment read = arena.allocate(4 * rows * weight.columns(), 4);
                    weight.read(rows, rows, read, 0);
                    assertEquals(-1, values.mismatch(read), weight.name());
                    assertThrows(IndexOutOfBoundsException.class, () -> weight.mapped(1, weight.rows(), arena));
                    mapped++;
                }
            }
            long matrices = checkpoint.weights().stream()
                    .filter(weight -> weight.shape().size() == 2)
                    .count();
            assertEquals(format == NumberFormat.FP32 ? matrices : 0, mapped);
        }
    }

    @Test
    void aFileThatShrinksIsAnErrorAndNotACrash() throws IOException {
        Path model = new TinyLlama().write(folder);
        try (Checkpoint checkpoint = Checkpoints.open(model);
                Arena arena = Arena.ofConfined()) {
            TensorInfo last = checkpoint.tensors().getLast();
            try (RandomAccessFile file = new RandomAccessFile(last.file().toFile(), "rw")) {
                file.setLength(last.offset());
            }
            String message = assertThrows(ModelException.class, () -> checkpoint.map(last, 0, last.rows(), arena))
                    .getMessage();
            assertTrue(message.contains("changed while in use"), message);
        }
    }

    private Path single(String header, int dataBytes) throws IOException {
        byte[] text = header.getBytes(StandardCharsets.UTF_8);
        ByteBuffer file = ByteBuffer.allocate(8 + text.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(text.length).put(text);
        Files.writeString(folder.resolve("config.json"), new TinyLlama().config());
        return Files.write(folder.resolve("model.safetensors"), file.array());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'a':{'dtype':'F32','shape':[0],'data_offsets':[8,8]}}|8|Duplicate",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'b':{'dtype':'F32','shape':[2],'data_offsets':[4,12]}}|12|without holes or overlaps",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'b':{'dtype':'F32','shape':[1],'data_offsets':[12,16]}}|16|without holes or overlaps",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[4,12]}}|12|without holes or overlaps",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}|9|end at",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}}|7|is the download complete",
                "{'a':{'dtype':'F32','shape':[3],'data_offsets':[0,8]}}|8|needs 12 bytes, its data_offsets give 8",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[8,0]}}|8|at bytes [8, 0)",
                "{'a':{'dtype':'F32','shape':[4611686018427387904,4],'data_offsets':[0,0]}}|0|no whole size below",
                "{'a':{'dtype':'F32','shape':[18446744073709551616],'data_offsets':[0,0]}}|0|must be integers",
                "{'a':{'dtype':'F32','shape':[-2],'data_offsets':[0,8]}}|8|must be integers from 0",
                "{'a':{'dtype':'F32','shape':[2.0],'data_offsets':[0,8]}}|8|must be integers from 0",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0]}}|8|lacks dtype, shape or two data_offsets",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8,8]}}|8|more than 2 numbers",
                "{'a':{'dtype':'F32','shape':[1,1,1,1,1,1,1,1,1],'data_offsets':[0,4]}}|4|more than 8 numbers",
                "{'a':{'dtype':'F33','shape':[2],'data_offsets':[0,8]}}|8|unknown dtype F33",
                "{'a':{'dtype':'F4','shape':[3],'data_offsets':[0,1]}}|1|no whole size",
                "{'a':{'dtype':'F32','shape':[2],'offsets':[0,8]}}|8|unknown key offsets",
                "{'__metadata__':{'a':1}}|0|expected VALUE_STRING",
                "{'__metadata__':{},'__metadata__':{}}|0|Duplicate",
                "{} x|0|not valid JSON",
                "[]|0|does not begin with",
                "{'a'|0|not valid JSON",
                "{}|0|tensor model.embed_tokens.weight is missing",
            })
    void rulesOfTheFormat(String header, int dataBytes, String message) throws IOException {
        Path file = single(header.replace('\'', '"'), dataBytes);
        String found =
                assertThrows(ModelException.class, () -> Checkpoints.open(file)).getMessage();
        assertTrue(found.contains(message), found);
        assertTrue(found.startsWith(folder.toString()), found);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, -1, Long.MAX_VALUE, Long.MIN_VALUE, 100_000_001, 1000})
    void headerLengthIsBounded(long length) throws IOException {
        Files.writeString(folder.resolve("config.json"), new TinyLlama().config());
        ByteBuffer file =
                ByteBuffer.allocate(100).order(ByteOrder.LITTLE_ENDIAN).putLong(0, length);
        Path path = Files.write(folder.resolve("model.safetensors"), file.array());
        assertTrue(assertThrows(ModelException.class, () -> Checkpoints.open(path))
                .getMessage()
                .contains("header length"));
    }

    @Test
    void tensorsThatNoRoleNeedsMayHaveAnyType() throws IOException {
        TinyLlama llama = new TinyLlama();
        Path file = llama.write(folder).resolve("model.safetensors");
        byte[] old = Files.readAllBytes(file);
        int length = (int) ByteBuffer.wrap(old).order(ByteOrder.LITTLE_ENDIAN).getLong();
        int data = old.length - 8 - length;
        String header = new String(old, 8, length, StandardCharsets.UTF_8).strip();
        String more = header.substring(0, header.length() - 1) + ",\"position_ids\":{\"dtype\":\"I64\",\"shape\":[1,3],"
                + "\"data_offsets\":[" + data + "," + (data + 24) + "]},\"empty\":{\"dtype\":\"F32\",\"shape\":[0,7],"
                + "\"data_offsets\":[" + (data + 24) + "," + (data + 24) + "]}}";
        ByteBuffer bytes = ByteBuffer.allocate(8 + more.length() + data + 24).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(more.length()).put(more.getBytes(StandardCharsets.UTF_8)).put(old, 8 + length, data);
        Files.write(file, bytes.array());
        try (Checkpoint checkpoint = Checkpoints.open(folder);
                Arena arena = Arena.ofConfined()) {
            assertEquals(llama.tensors().size() + 1, checkpoint.tensors().size());
            assertEquals(llama.tensors().size(), checkpoint.weights().size());
            TensorInfo empty = checkpoint.tensors().getLast();
            assertEquals(0, checkpoint.map(empty, 0, 0, arena).byteSize());
        }
        Files.writeString(
                file,
                Files.readString(file, StandardCharsets.ISO_8859_1).replaceFirst("F32", "I32"),
                StandardCharsets.ISO_8859_1);
        String message = assertThrows(ModelException.class, () -> Checkpoints.open(folder))
                .getMessage();
        assertTrue(message.contains("is I32; supported for weights: F64, F32"), message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"../model.safetensors", "/etc/passwd", "a/b", "a\\\\b", "..", "", "C:x"})
    void shardNamesStayInTheFolder(String name) throws IOException {
        Path model = new TinyLlama().shards(2).write(folder);
        Path index = model.resolve("model.safetensors.index.json");
        Files.writeString(index, Files.readString(index).replace("model-00002-of-00002.safetensors", name));
        String message = assertThrows(ModelException.class, () -> Checkpoints.open(model))
                .getMessage();
        assertTrue(message.contains("not a plain file name"), message);
    }

    @Test
    void shardsMustHoldWhatTheIndexSays() throws IOException {
        Path model = new TinyLlama().shards(3).write(folder);
        Path index = model.resolve("model.safetensors.index.json");
        String text = Files.readString(index);
        Files.writeString(index, text.replaceFirst("00001-of", "00002-of"));
        assertTrue(assertThrows(ModelException.class, () -> Checkpoints.open(model))
                .getMessage()
                .contains("should be in"));
        Files.writeString(index, text);
        Files.delete(model.resolve("model-00002-of-00003.safetensors"));
        assertTrue(assertThrows(ModelException.class, () -> Checkpoints.open(model))
                .getMessage()
                .contains("download it"));
    }

    @Test
    void missingAndMisshapenTensorsAreNamed() throws IOException {
        Path model = new TinyLlama().layers(2).write(folder);
        Path config = model.resolve("config.json");
        Files.writeString(config, new TinyLlama().layers(3).config());
        String missing = assertThrows(ModelException.class, () -> Checkpoints.open(model))
                .getMessage();
        assertTrue(missing.contains("model.layers.2.input_layernorm.weight is missing"), missing);
        Files.writeString(config, new TinyLlama().ffn(50).config());
        String shape = assertThrows(ModelException.class, () -> Checkpoints.open(model))
                .getMessage();
        assertTrue(shape.contains("mlp.gate_proj.weight has shape [48, 32]; config.json asks for [50, 32]"), shape);
        Files.writeString(config, new TinyLlama().tied(false).config());
        String head = assertThrows(ModelException.class, () -> Checkpoints.open(model))
                .getMessage();
        assertTrue(head.contains("lm_head.weight is missing") && head.contains("tie_word_embeddings is false"), head);
    }

    @Test
    void namesWithoutPrefixAndAnIgnoredHeadAreAccepted() throws IOException {
        TinyLlama llama = new TinyLlama().tied(false);
        Path file = llama.write(folder).resolve("model.safetensors");
        Files.writeString(folder.resolve("config.json"), new TinyLlama().config());
        try (Checkpoint tied = Checkpoints.open(folder)) {
            assertTrue(tied.tensor(TensorRole.HEAD, 0).isEmpty());
            assertEquals(tied.tensors().size() - 1, tied.weights().size());
        }
        String text = Files.readString(file, StandardCharsets.ISO_8859_1);
        // Seven spaces keep the length: names lose "model." and JSON allows space before a key.
        Files.writeString(file, text.replace("\"model.", "      \""), StandardCharsets.ISO_8859_1);
        try (Checkpoint bare = Checkpoints.open(folder)) {
            assertEquals(
                    "layers.1.mlp.up_proj.weight",
                    bare.tensor(TensorRole.UP, 1).orElseThrow().name());
        }
    }

    @Test
    void nothingUsableSaysWhatWasFound() throws IOException {
        for (Path path :
                new Path[] {folder, folder.resolve("absent"), Files.writeString(folder.resolve("a.txt"), "x")}) {
            String message = assertThrows(ModelException.class, () -> Checkpoints.open(path))
                    .getMessage();
            assertTrue(message.contains("looked for a Hugging Face folder") && message.contains("found "), message);
        }
        Files.writeString(folder.resolve("config.json"), new TinyLlama().config());
        String message = assertThrows(ModelException.class, () -> Checkpoints.open(folder))
                .getMessage();
        assertTrue(message.contains("neither model.safetensors nor model.safetensors.index.json"), message);
    }

    /** A file far larger than memory: only its header is read. */
    @Test
    void fortyGigabytesOpenWithoutReadingThem() throws IOException {
        TinyLlama huge =
                new TinyLlama().hidden(8192).heads(64, 8).ffn(28_672).layers(13).format(NumberFormat.FP32);
        Files.writeString(folder.resolve("config.json"), huge.config());
        Path file = folder.resolve("model.safetensors");
        long data = huge.tensors().stream()
                .mapToLong(SafetensorsWriter.Tensor::byteSize)
                .sum();
        assertTrue(data > 40L << 30, "40 GiB, not " + data);
        byte[] header = org.bitscarp.model.internal.SafetensorsText.header(huge.tensors(), Map.of())
                .getBytes(StandardCharsets.UTF_8);
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            out.writeLong(Long.reverseBytes(header.length));
            out.write(header);
            out.setLength(8 + header.length + data);
        } catch (IOException e) {
            String reason = "SKIPPED: this file system has no sparse files of 40 GiB: " + e.getMessage();
            System.out.println(reason);
            Assumptions.abort(reason);
        }
        try (Checkpoint checkpoint = Checkpoints.open(folder);
                Arena arena = Arena.ofConfined()) {
            assertEquals(data, checkpoint.parameters() * 4);
            TensorInfo down = checkpoint.tensor(TensorRole.DOWN, 12).orElseThrow();
            assertTrue(down.offset() > 1L << 33);
            MemorySegment row = checkpoint.map(down, 8191, 1, arena);
            assertEquals(0, row.get(ValueLayout.JAVA_BYTE, row.byteSize() - 1));
        }
    }

    @Test
    void theWriterLeavesNothingHalfWritten() throws IOException {
        Path target = folder.resolve("x.safetensors");
        List<SafetensorsWriter.Tensor> tensors = List.of(
                new SafetensorsWriter.Tensor("narrow", NumberFormat.FP16, List.of(3L)),
                new SafetensorsWriter.Tensor("wide", NumberFormat.FP64, List.of(2L, 1L)));
        try (SafetensorsWriter writer = new SafetensorsWriter(target, tensors, Map.of())) {
            assertEquals("wide", writer.order().getFirst().name());
            writer.write(MemorySegment.ofArray(new byte[20]));
            assertThrows(IllegalStateException.class, writer::finish);
            assertThrows(IllegalArgumentException.class, () -> writer.write(MemorySegment.ofArray(new byte[3])));
            assertFalse(Files.exists(target));
        }
        try (Stream<Path> left = Files.list(folder)) {
            assertEquals(0, left.count());
        }
        try (SafetensorsWriter writer = new SafetensorsWriter(target, tensors, Map.of("a", "b"))) {
            writer.write(MemorySegment.ofArray(new byte[22]));
            writer.finish();
        }
        byte[] file = Files.readAllBytes(target);
        long header = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
        assertEquals(0, header % 8);
        assertEquals(8 + header + 22, file.length);
        assertThrows(
                IllegalArgumentException.class,
                () -> new SafetensorsWriter(target, List.of(tensors.get(0), tensors.get(0)), Map.of()));
    }
}
