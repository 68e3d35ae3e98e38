// Decodes GGUF's types with one scale a block: decode.cuh, with floor and shapes.
#include "decode.cuh"
#include "formats/ggml.cuh"

GGML_FORMATS(DECODE)
