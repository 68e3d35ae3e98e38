package org.bitscarp.cuda;

import java.util.TreeMap;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestTag;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.TestPlan;

/**
 * Prints at the end of a run how many tests tagged {@code gpu} ran on a device and how many were skipped for which reason, so
 * that nobody takes a green run on a machine without a GPU for a proof on one.
 */
public final class GpuTestSummary implements TestExecutionListener {
    public static final String TAG = "gpu";

    private int run;
    private final TreeMap<String, Integer> skipped = new TreeMap<>();
    private boolean any;

    @Override
    public synchronized void testPlanExecutionStarted(TestPlan plan) {
        run = 0;
        skipped.clear();
        any = plan.countTestIdentifiers(GpuTestSummary::isGpuTest) > 0;
    }

    private static boolean isGpuTest(TestIdentifier test) {
        return test.isTest() && test.getTags().contains(TestTag.create(TAG));
    }

    @Override
    public synchronized void executionFinished(TestIdentifier test, TestExecutionResult result) {
        if (isGpuTest(test)) {
            if (result.getStatus() == TestExecutionResult.Status.ABORTED) {
                String reason = result.getThrowable().map(Throwable::getMessage).orElse("no reason given");
                skipped.merge(reason.replaceFirst("^Assumption failed: ", ""), 1, Integer::sum);
            } else {
                run++;
            }
        }
    }

    @Override
    public synchronized void executionSkipped(TestIdentifier test, String reason) {
        if (isGpuTest(test)) {
            skipped.merge(reason, 1, Integer::sum);
        }
    }

    @Override
    public synchronized void testPlanExecutionFinished(TestPlan plan) {
        if (any) {
            int sum = skipped.values().stream().mapToInt(Integer::intValue).sum();
            System.out.println("GPU tests: " + run + " run, " + sum + " skipped"
                    + (skipped.isEmpty() ? "" : " (" + String.join("; ", skipped.keySet()) + ")"));
        }
    }
}
