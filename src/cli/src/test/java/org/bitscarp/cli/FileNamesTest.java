package org.bitscarp.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class FileNamesTest {
    @Test
    void namesAreAsShortAsTheyCanBe() {
        assertEquals(
                List.of("tiny", "tiny-q4_k_m", "tiny-gptq"),
                FileNames.of(List.of("/models/tiny", "/models/tiny-q4_k_m.gguf", "../out/tiny-gptq/")));
    }

    @Test
    void namesThatAreSharedTakeTheirFolders() {
        assertEquals(
                List.of("a/q4", "x/b/q4", "y/b/q4", "q8"),
                FileNames.of(List.of("/m/a/q4.gguf", "/m/x/b/q4.gguf", "/m/y/b/q4.gguf", "/m/a/q8.gguf")));
    }

    @Test
    void aFileGivenTwiceIsNumbered() {
        List<String> names = FileNames.of(List.of("/m/q4.gguf", "/m/q4.gguf", "/m/../m/q4.gguf"));
        assertEquals(
                List.of("/m/q4", "/m/q4#2", "/m/q4#3"),
                names.stream().map(n -> "/" + n).toList());
    }

    @Test
    void referencesToAHubStayAsTheyAre() {
        List<String> words = List.of("hf:owner/name@main", "hf:owner/name/model-q4.gguf");
        assertEquals(words, FileNames.of(words));
    }
}
