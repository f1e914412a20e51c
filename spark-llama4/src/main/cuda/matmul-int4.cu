#include "matmul-kernels.cuh"

MATMUL_KERNELS(int4, Int4Format)
