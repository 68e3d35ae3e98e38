package org.bitscarp.model.internal.gguf;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bitscarp.model.ModelException;
import org.bitscarp.model.internal.TokenizerTables;

/** Takes the tokenizer of a GGUF file apart, with the same defaults for absent keys as {@link GgufTokenizers}. */
public final class GgufTokenizerTables {
    private GgufTokenizerTables() {}

    /**
     * The tables of a file's tokenizer.
     *
     * @param limit rows of the embedding
     * @throws ModelException where the file has no tokenizer or one that is not supported
     */
    public static TokenizerTables read(Path file, int limit) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return switch (GgufTokenizers.read(GgufHeader.read(file, channel).metadata(), limit)) {
                case GgufTokenizers.SentencePieceParts p ->
                    new TokenizerTables(
                            TokenizerTables.Kind.SENTENCE_PIECE,
                            tokens(p.vocabulary()),
                            types(p.vocabulary()),
                            p.scores(),
                            List.of(),
                            null,
                            p.ends().bos(),
                            p.ends().eos(),
                            p.unknown(),
                            p.ends().addBos(),
                            p.spacePrefix());
                case GgufTokenizers.ByteLevelParts p ->
                    new TokenizerTables(
                            TokenizerTables.Kind.BYTE_LEVEL,
                            tokens(p.vocabulary()),
                            types(p.vocabulary()),
                            null,
                            Arrays.stream(p.merges())
                                    .map(GgufTokenizerTables::bytes)
                                    .toList(),
                            p.preTokenizer().canonicalName(),
                            p.ends().bos(),
                            p.ends().eos(),
                            -1,
                            p.ends().addBos(),
                            false);
            };
        }
    }

    private static List<byte[]> tokens(GgufVocabulary vocabulary) {
        List<byte[]> tokens = new ArrayList<>(vocabulary.size());
        for (int id = 0; id < vocabulary.size(); id++) {
            tokens.add(bytes(vocabulary.bytes(id)));
        }
        return tokens;
    }

    private static List<TokenizerTables.Type> types(GgufVocabulary vocabulary) {
        List<TokenizerTables.Type> types = new ArrayList<>(vocabulary.size());
        for (int id = 0; id < vocabulary.size(); id++) {
            types.add(
                    switch (vocabulary.type(id)) {
                        case GgufVocabulary.UNKNOWN -> TokenizerTables.Type.UNKNOWN;
                        case GgufVocabulary.CONTROL -> TokenizerTables.Type.CONTROL;
                        case GgufVocabulary.USER_DEFINED -> TokenizerTables.Type.USER_DEFINED;
                        case GgufVocabulary.UNUSED -> TokenizerTables.Type.UNUSED;
                        case GgufVocabulary.BYTE -> TokenizerTables.Type.BYTE;
                        default -> TokenizerTables.Type.NORMAL;
                    });
        }
        return types;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }
}
