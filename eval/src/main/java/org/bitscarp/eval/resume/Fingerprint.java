package org.bitscarp.eval.resume;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;

/**
 * Everything that the numbers of a sweep depend on, by name: two sweeps may share what they have computed when their
 * fingerprints are equal, and a message can name what differs when they are not.
 */
public final class Fingerprint {
    private static final int SHOWN = 60;
    private static final String NONE = "none";

    private final SequencedMap<String, String> facts = new LinkedHashMap<>();

    /** Adds a fact; {@code null} stands for none. */
    public Fingerprint with(String name, Object value) {
        facts.put(name, value == null ? NONE : value.toString());
        return this;
    }

    /** All facts, in the order in which they were added. */
    public SequencedMap<String, String> facts() {
        return Collections.unmodifiableSequencedMap(facts);
    }

    /** Value of a fact, or null where it was never added. */
    public String get(String name) {
        return facts.get(name);
    }

    /** Facts whose values differ, as {@code name (was …, is …)}; empty when the two are equal. */
    public List<String> differences(Fingerprint now) {
        List<String> differences = new ArrayList<>();
        Set<String> names = new LinkedHashSet<>(facts.keySet());
        names.addAll(now.facts.keySet());
        for (String name : names) {
            String was = facts.getOrDefault(name, NONE);
            String is = now.facts.getOrDefault(name, NONE);
            if (!was.equals(is)) {
                differences.add(name + " (was " + shown(was) + ", is " + shown(is) + ")");
            }
        }
        return differences;
    }

    private static String shown(String value) {
        return value.length() <= SHOWN ? value : value.substring(0, SHOWN - 1) + "…";
    }

    void write(DataOutput out) throws IOException {
        out.writeInt(facts.size());
        for (Map.Entry<String, String> fact : facts.entrySet()) {
            out.writeUTF(fact.getKey());
            out.writeUTF(fact.getValue());
        }
    }

    static Fingerprint read(DataInput in) throws IOException {
        Fingerprint read = new Fingerprint();
        int count = in.readInt();
        for (int i = 0; i < count; i++) {
            read.with(in.readUTF(), in.readUTF());
        }
        return read;
    }

    @Override
    public String toString() {
        return facts.toString();
    }
}
