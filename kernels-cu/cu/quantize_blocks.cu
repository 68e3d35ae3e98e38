// Round-to-nearest with a thread for a block (block_rows.cuh, with the floor) onto the grids of one_scale.cuh, to the bytes that
// org.bitscarp.quant writes.
#include "one_scale.cuh"

QUANTIZE(nf4, NormalFloat4)
QUANTIZE(ternary, Ternary)
QUANTIZE(q4_0, Mirrored<4>)
QUANTIZE(q5_0, Mirrored<5>)
QUANTIZE(q4_1, Offset<4>)
QUANTIZE(q5_1, Offset<5>)
QUANTIZE(q8_0, Q8)
QUANTIZE(q2_0, Q2)
QUANTIZE(tq1_0, Tq1)
QUANTIZE(tq2_0, Tq2)
QUANTIZE(q1_0, Signs)
