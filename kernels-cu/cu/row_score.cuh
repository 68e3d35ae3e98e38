// What kernels tell the host of one row's logits; ScoreKernels.java reads it.
#pragma once

// What a slice, or a part of it, gives for one row.
struct RowScore {
    double sum;    // Σ exp(z − max)
    double cross;  // Σ exp(z_r − max_r)·(z_r − z)
    float max;     // greatest logit that is not NaN, −∞ where there is none
    float target;  // logit of the target token where the slice has it
    int argmax;    // its place in the slice, the first of equals; −1 where there is none
    int unused;
};
