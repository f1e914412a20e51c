#include "matmul-kernels.cuh"

MATMUL_KERNELS(bf16, Bf16Format)
