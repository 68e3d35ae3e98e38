// arch: 80
// See matmul_packed.cuh.
#include "formats/ggml.cuh"
#include "matmul_packed.cuh"

GGML_FUSED(MATMUL_PACKED)
