// arch: 80
// Products on tensor cores with GGUF's types with one scale a block: matmul_packed.cuh, with floor and shapes.
#include "formats/ggml.cuh"
#include "matmul_packed.cuh"

GGML_FUSED(MATMUL_PACKED)
