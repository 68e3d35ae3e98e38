// See matvec.cuh.
#include "formats/kquants.cuh"
#include "matvec.cuh"

K_FORMATS(MATVEC)
