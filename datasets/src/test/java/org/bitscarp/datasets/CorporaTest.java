package org.bitscarp.datasets;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CorporaTest {
    private static final Path BUILTIN = Path.of("text");

    @TempDir
    Path folder;

    private Corpora corpora() {
        return new Corpora(BUILTIN, List.of(folder));
    }

    @Test
    void builtinTextsAreLongEnoughAndShareNothing() throws IOException {
        Corpus evaluation = corpora().read("builtin");
        Corpus calibration = corpora().read("builtin-calibration");
        assertTrue(evaluation.bytes() >= 60_000 && calibration.bytes() >= 60_000);
        Set<String> shared = runsOfWords(evaluation.text());
        shared.retainAll(runsOfWords(calibration.text()));
        assertEquals(Set.of(), shared, "runs of eight words that stand in both");
    }

    private static Set<String> runsOfWords(String text) {
        String[] words = text.toLowerCase(java.util.Locale.ROOT).split("\\W+");
        Set<String> runs = new HashSet<>();
        for (int i = 0; i + 8 <= words.length; i++) {
            runs.add(String.join(" ", Arrays.asList(words).subList(i, i + 8)));
        }
        return runs;
    }

    @Test
    void dataSetsAreFoundInTheFolders() throws IOException {
        String message = assertThrows(TextException.class, () -> corpora().read("wikitext2"))
                .getMessage();
        assertTrue(message.contains("wiki.test.raw") && message.contains(folder.toString()), message);
        Files.createDirectories(folder.resolve("wikitext-2-raw"));
        Files.writeString(folder.resolve("wikitext-2-raw/wiki.test.raw"), " = Title = \n");
        Corpus corpus = corpora().read("wikitext2");
        assertEquals("wikitext2", corpus.name());
        assertEquals(" = Title = \n", corpus.text());
    }

    @Test
    void foldersOfTheVariableComeFirst() {
        List<Path> folders = Corpora.defaultFolders("/a" + File.pathSeparator + "/b");
        assertEquals(List.of(Path.of("/a"), Path.of("/b")), folders.subList(0, 2));
        assertEquals(2, Corpora.defaultFolders(null).size());
    }

    @Test
    void hashesAreThoseOfTheBytes() {
        Corpus corpus = new Corpus("x", "abc");
        assertEquals("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", corpus.sha256());
        assertEquals(4, new Corpus("x", "aé€".substring(0, 2) + "b").bytes());
    }

    @Test
    void whatIsNoTextIsRefused() throws IOException {
        Path latin1 = Files.write(folder.resolve("latin1.txt"), new byte[] {'c', 'a', 'f', (byte) 0xe9});
        assertTrue(assertThrows(TextException.class, () -> corpora().read(latin1.toString()))
                .getMessage()
                .contains("UTF-8"));
        Path empty = Files.createFile(folder.resolve("empty.txt"));
        assertThrows(TextException.class, () -> corpora().read(empty.toString()));
        assertThrows(TextException.class, () -> corpora().read(folder.toString()));
        assertThrows(TextException.class, () -> corpora().read("nothing-of-that-name"));
    }
}
