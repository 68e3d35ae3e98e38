// Products of 1 to 8 rows with integers of 2 to 8 bits, NF4 and ternary: matvec.cuh, with floor and shapes.
#include "formats/grouped.cuh"
#include "matvec.cuh"

GROUPED_FORMATS(MATVEC)
