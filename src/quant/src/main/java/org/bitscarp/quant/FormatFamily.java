package org.bitscarp.quant;

import java.util.List;

/**
 * Reads the level strings of one family of storage formats. A new family is one class and one line in {@link
 * LevelParser}.
 */
interface FormatFamily {
    /** The first words that this family knows, synonyms left out: shown in messages and used for suggestions. */
    List<String> words();

    /**
     * The format, or null when the first word belongs to another family.
     *
     * @param word first word of the level string, in lower case
     * @param modifiers the words after it; those that this family understands are taken out
     * @throws LevelException when the word belongs here but makes no sense
     */
    BlockFormat read(String word, Modifiers modifiers);
}
