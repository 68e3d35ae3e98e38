// Decodes GGUF's types iq1 to iq3: decode.cuh, with floor and shapes.
#include "decode.cuh"
#include "formats/codebook.cuh"

CODEBOOK_FORMATS(DECODE)
