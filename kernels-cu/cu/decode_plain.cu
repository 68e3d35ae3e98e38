// See decode.cuh.
#include "decode.cuh"
#include "formats/plain.cuh"

PLAIN_FORMATS(DECODE)
