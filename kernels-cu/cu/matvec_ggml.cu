// Products of 1 to 8 rows with GGUF's types with one scale a block: matvec.cuh, with floor and shapes.
#include "formats/ggml.cuh"
#include "matvec.cuh"

GGML_FORMATS(MATVEC)
