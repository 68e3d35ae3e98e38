// See matvec.cuh.
#include "formats/ggml.cuh"
#include "matvec.cuh"

GGML_FORMATS(MATVEC)
