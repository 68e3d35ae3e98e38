// Decodes integers of 2 to 8 bits, NF4 and ternary: decode.cuh, with floor and shapes.
#include "decode.cuh"
#include "formats/grouped.cuh"

GROUPED_FORMATS(DECODE)
