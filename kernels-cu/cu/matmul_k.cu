// arch: 80
// Products on tensor cores with GGUF's k-quants: matmul_packed.cuh, with floor and shapes.
#include "formats/kquants.cuh"
#include "matmul_packed.cuh"

K_FORMATS(MATMUL_PACKED)
