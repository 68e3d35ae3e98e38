package org.bitscarp.quant.gptq;

/**
 * What is added to a Hessian's diagonal before it is factored (arXiv 2210.17323, section 3.3, step 3).
 *
 * @param lambda added to each entry
 * @param unit what stands on the diagonal of channels without any activation: its mean, or 1 where all are
 * @param raised how often it had to be raised before the matrix was positive definite
 * @param dead channels without any activation
 */
public record Damping(double lambda, double unit, int raised, int dead) {
    /** Damping grows by this factor until the matrix is positive definite. */
    private static final double STEP = 10;

    /** Factors a matrix that is damped so far. */
    @FunctionalInterface
    public interface Attempt {
        /** @return whether it was positive definite */
        boolean factor(Damping damping);
    }

    /**
     * Tries until it works.
     *
     * @param diagonal of the Hessian
     * @param share of the mean diagonal that is added first
     * @throws IllegalStateException where no damping helps
     */
    public static Damping raiseUntil(float[] diagonal, double share, Attempt attempt) {
        double sum = 0;
        int dead = 0;
        for (float value : diagonal) {
            sum += value;
            dead += value > 0 ? 0 : 1;
        }
        double mean = diagonal.length == 0 ? 0 : sum / diagonal.length;
        double unit = mean > 0 ? mean : 1;
        int raised = 0;
        for (double tried = share; ; tried = Math.max(tried, 1e-6) * STEP, raised++) {
            Damping damping = new Damping(tried * unit, unit, raised, dead);
            if (attempt.factor(damping)) {
                return damping;
            }
            if (tried > 1e6) {
                throw new IllegalStateException("a Hessian of " + diagonal.length
                        + " channels is not positive definite at any damping: its values are not finite");
            }
        }
    }
}
