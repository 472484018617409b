/* Register tiles of a matrix product: MR rows of A (packed k by k) times 8 columns of B (packed k by k). Each element of C is
   one sum in the order of k, whatever the tile, so its bits are those of the plain loop. */
typedef float tile_v4 __attribute__((ext_vector_type(4), aligned(4)));
typedef float tile_v2 __attribute__((ext_vector_type(2), aligned(4)));
#define TILE_UNROLL _Pragma("clang loop unroll(full)")
#define TILE(MR)                                                                                                        \
  static __attribute__((noinline)) void tile_##MR(int count, const float *restrict a, const float *restrict b,          \
                                                  float *restrict c, int stride) {                                      \
    tile_v4 sum[MR][2];                                                                                                 \
    TILE_UNROLL for (int i = 0; i < MR; i++) TILE_UNROLL for (int j = 0; j < 2; j++) sum[i][j] = (tile_v4)(0.f);        \
    for (int k = 0; k < count; k++) {                                                                                   \
      tile_v4 b0 = *(const tile_v4 *)b, b1 = *(const tile_v4 *)(b + 4);                                                 \
      TILE_UNROLL for (int i = 0; i < MR; i++) {                                                                        \
        tile_v4 one = (tile_v4)(a[i]);                                                                                  \
        sum[i][0] += one * b0;                                                                                          \
        sum[i][1] += one * b1;                                                                                          \
      }                                                                                                                 \
      a += MR;                                                                                                          \
      b += 8;                                                                                                           \
    }                                                                                                                   \
    TILE_UNROLL for (int i = 0; i < MR; i++)                                                                            \
      TILE_UNROLL for (int j = 0; j < 2; j++) *(tile_v4 *)(c + i * stride + 4 * j) = sum[i][j];                         \
  }                                                                                                                     \
  static inline void tiles_##MR(int m, int n, int k, const float *A, const float *B, float *C) {                        \
    for (int j = 0; j < n; j += 8)                                                                                      \
      for (int i = 0; i < m; i += MR) tile_##MR(k, A + i * k, B + j * k, C + i * n + j, n);                             \
  }
TILE(4)
TILE(6)
