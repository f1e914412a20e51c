#include "matmul-kernels.cuh"

MATMUL_KERNELS(int8, Int8Format)
