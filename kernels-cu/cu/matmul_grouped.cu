// arch: 80
// Products on tensor cores with integers of 2 to 8 bits, NF4 and ternary: matmul_packed.cuh, with floor and shapes.
#include "formats/grouped.cuh"
#include "matmul_packed.cuh"

GROUPED_FORMATS(MATMUL_PACKED)
