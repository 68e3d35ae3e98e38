// arch: 80
// See matmul_packed.cuh.
#include "formats/grouped.cuh"
#include "matmul_packed.cuh"

GROUPED_FORMATS(MATMUL_PACKED)
