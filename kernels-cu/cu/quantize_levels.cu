// Round-to-nearest with a thread for a block (block_rows.cuh, with the floor) onto the grids of uneven_types.cuh, to the bytes
// that quant.ggml writes. For iq4_nl, 16 candidates come to the floor, some 40 operations per weight each.
#include "uneven_types.cuh"

QUANTIZE(iq4_nl, Iq4Nl)
QUANTIZE(mxfp4, Mxfp4)
QUANTIZE(nvfp4, Nvfp4)
