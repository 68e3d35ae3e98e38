// Decodes GGUF's k-quants: decode.cuh, with floor and shapes.
#include "decode.cuh"
#include "formats/kquants.cuh"

K_FORMATS(DECODE)
