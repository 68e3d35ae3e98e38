package org.bitscarp.eval.budget;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.bitscarp.eval.resume.Fingerprint;
import org.bitscarp.eval.resume.SweepFolder;

/**
 * Plans of a sweep's budgets, which stay in its folder: finding one takes about as long as measuring it, and a sweep that
 * goes on must have the same.
 */
public final class PlanStore {
    private static final String PLANS = "budgets";

    private final SweepFolder folder;
    private final Fingerprint fingerprint;
    private final Map<String, BudgetPlan> plans = new LinkedHashMap<>();

    /**
     * @param folder null to keep nothing beyond this object
     * @param fingerprint of what plans depend on; those of another are forgotten
     */
    public PlanStore(SweepFolder folder, Fingerprint fingerprint) throws IOException {
        this.folder = folder;
        this.fingerprint = fingerprint;
        Fingerprint kept = folder == null ? null : folder.fingerprint(PLANS).orElse(null);
        if (kept != null && kept.differences(fingerprint).isEmpty()) {
            folder.read(PLANS, (same, in) -> {
                for (int left = in.readInt(); left > 0; left--) {
                    plans.put(in.readUTF(), PlanFormat.read(in));
                }
                return plans;
            });
        }
    }

    /** The plan of a budget, if it is known. */
    public Optional<BudgetPlan> get(Budget budget) {
        return Optional.ofNullable(plans.get(budget.toString()));
    }

    /** Adds a plan and makes it durable. */
    public void add(Budget budget, BudgetPlan plan) throws IOException {
        plans.put(budget.toString(), plan);
        if (folder != null) {
            folder.write(PLANS, fingerprint, out -> {
                out.writeInt(plans.size());
                for (Map.Entry<String, BudgetPlan> entry : plans.entrySet()) {
                    out.writeUTF(entry.getKey());
                    PlanFormat.write(out, entry.getValue());
                }
            });
        }
    }

    /** Forgets the plans that a folder keeps. */
    public static void forget(SweepFolder folder) throws IOException {
        folder.remove(PLANS);
    }
}
