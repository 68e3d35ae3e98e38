package org.bitscarp.cuda.driver;

/**
 * Whether something can be used. Absent is not broken: absent means go on without it, broken means say so and stop.
 *
 * @param reason what was found
 * @param remedy what to do, empty when nothing is to be done
 */
public record Availability(State state, String reason, String remedy) {
    public enum State {
        USABLE,
        ABSENT,
        BROKEN
    }

    public static Availability usable(String reason) {
        return new Availability(State.USABLE, reason, "");
    }

    public static Availability absent(String reason, String remedy) {
        return new Availability(State.ABSENT, reason, remedy);
    }

    public static Availability broken(String reason, String remedy) {
        return new Availability(State.BROKEN, reason, remedy);
    }

    public boolean isUsable() {
        return state == State.USABLE;
    }
}
