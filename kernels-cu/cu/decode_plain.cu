// Decodes fp16, bf16 and fp32: decode.cuh, with floor and shapes.
#include "decode.cuh"
#include "formats/plain.cuh"

PLAIN_FORMATS(DECODE)
