// See decode.cuh.
#include "decode.cuh"
#include "formats/ggml.cuh"

GGML_FORMATS(DECODE)
