package org.bitscarp.cli;

/**
 * One thing that {@code doctor} looked at.
 *
 * @param what it is
 * @param state absent is not broken: absent means go on without, broken means repair it
 * @param detail what was found
 * @param remedy what to do, empty when nothing is to be done
 */
record Finding(String what, State state, String detail, String remedy) {
    enum State {
        FOUND,
        ABSENT,
        BROKEN
    }

    static Finding found(String what, String detail) {
        return new Finding(what, State.FOUND, detail, "");
    }

    static Finding absent(String what, String detail, String remedy) {
        return new Finding(what, State.ABSENT, detail, remedy);
    }

    static Finding broken(String what, String detail, String remedy) {
        return new Finding(what, State.BROKEN, detail, remedy);
    }
}
