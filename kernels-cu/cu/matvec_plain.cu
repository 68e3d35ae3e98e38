// See matvec.cuh. There is none for fp32, which the dense product takes as it is.
#include "formats/plain.cuh"
#include "matvec.cuh"

MATVEC(fp16, Fp16)
MATVEC(bf16, Bf16)
