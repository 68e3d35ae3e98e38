package org.bitscarp.cuda.emulated.ptx;

import java.util.HashMap;
import java.util.Map;

/** Registers by name; inline assembly opens scopes of its own. */
public final class Scope {
    /**
     * A virtual register.
     *
     * @param type PTX type without the dot
     * @param number unique in its kernel
     */
    public record Register(String type, int number) {}

    private final Scope outer;
    private final Map<String, Register> names = new HashMap<>();

    Scope(Scope outer) {
        this.outer = outer;
    }

    Scope outer() {
        return outer;
    }

    void declare(String name, Register register) {
        names.put(name, register);
    }

    /** Null when there is none. */
    public Register find(String name) {
        Register register = names.get(name);
        return register != null || outer == null ? register : outer.find(name);
    }
}
