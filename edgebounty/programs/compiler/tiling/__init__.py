"""Kernels of a captured program rewritten for 128-bit SIMD, with the order of every sum kept."""
