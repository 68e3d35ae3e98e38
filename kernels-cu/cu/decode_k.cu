// See decode.cuh.
#include "decode.cuh"
#include "formats/kquants.cuh"

K_FORMATS(DECODE)
