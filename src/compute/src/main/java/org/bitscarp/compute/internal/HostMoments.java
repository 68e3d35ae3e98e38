package org.bitscarp.compute.internal;

import org.bitscarp.compute.MomentPrecision;
import org.bitscarp.compute.OuterProducts;

/**
 * Arithmetic of second moments on the host.
 *
 * @param oneDnn null where the matrix product of everything else does
 * @param reason why it is not the preferred one; empty where it is, or was asked for
 */
public record HostMoments(MomentPrecision precision, OneDnn oneDnn, String reason) {
    /** @throws LinkageError when this machine does not have it */
    public static HostMoments in(MomentPrecision precision) {
        return new HostMoments(precision, precision == MomentPrecision.BF16 ? OneDnn.load() : null, "");
    }

    /** bf16 where it is fast, else fp32. */
    public static HostMoments preferred() {
        try {
            return in(MomentPrecision.BF16);
        } catch (LinkageError e) {
            return new HostMoments(MomentPrecision.FP32, null, e.getMessage());
        }
    }

    public String description() {
        String by = oneDnn == null ? "" : " by oneDNN " + oneDnn.version();
        return precision.word() + by + (reason.isEmpty() ? "" : " (" + reason + ")");
    }

    /** In bf16. */
    public OuterProducts outerProducts(HostTensor x) {
        return new Bf16OuterProducts(oneDnn, x);
    }
}
