// Products of 1 to 8 rows with GGUF's k-quants: matvec.cuh, with floor and shapes.
#include "formats/kquants.cuh"
#include "matvec.cuh"

K_FORMATS(MATVEC)
