#include "matmul-kernels.cuh"

MATMUL_KERNELS(e4m3, E4m3Format)
