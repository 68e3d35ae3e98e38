// See matvec.cuh.
#include "formats/grouped.cuh"
#include "matvec.cuh"

GROUPED_FORMATS(MATVEC)
