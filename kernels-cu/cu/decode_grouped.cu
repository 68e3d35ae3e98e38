// See decode.cuh.
#include "decode.cuh"
#include "formats/grouped.cuh"

GROUPED_FORMATS(DECODE)
