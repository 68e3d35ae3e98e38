// arch: 80
// See matmul_packed.cuh.
#include "formats/kquants.cuh"
#include "matmul_packed.cuh"

K_FORMATS(MATMUL_PACKED)
