// See decode.cuh.
#include "decode.cuh"
#include "formats/codebook.cuh"

CODEBOOK_FORMATS(DECODE)
