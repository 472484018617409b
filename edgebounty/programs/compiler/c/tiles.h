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

/* The same of 16-bit integers in pairs of k: a pair's two products are summed by one instruction, exactly. */
typedef short tile_s8 __attribute__((vector_size(16)));
typedef int tile_i4 __attribute__((ext_vector_type(4)));
#ifdef __wasm_simd128__
#define TILE_DOT(a, b) ((tile_i4)__builtin_wasm_dot_s_i32x4_i16x8((a), (b)))
#else
static inline tile_i4 tile_dot(tile_s8 a, tile_s8 b) {
  tile_i4 sum;
  TILE_UNROLL for (int i = 0; i < 4; i++) sum[i] = a[2 * i] * b[2 * i] + a[2 * i + 1] * b[2 * i + 1];
  return sum;
}
#define TILE_DOT(a, b) tile_dot((a), (b))
#endif
static void tiles_pairs(int m, int n, int pairs, const float *A, const float *B, float *C) {
  for (int j = 0; j < n; j += 8)
    for (int i = 0; i < m; i += 4) {
      const int *a = (const int *)A + i * pairs;
      const tile_s8 *b = (const tile_s8 *)((const int *)B + j * pairs);
      tile_i4 sum[4][2];
      TILE_UNROLL for (int r = 0; r < 4; r++) sum[r][0] = sum[r][1] = (tile_i4)(0);
      for (int k = 0; k < pairs; k++) {
        tile_s8 b0 = b[2 * k], b1 = b[2 * k + 1];
        TILE_UNROLL for (int r = 0; r < 4; r++) {
          tile_s8 two = (tile_s8)(tile_i4)(a[4 * k + r]);
          sum[r][0] += TILE_DOT(two, b0);
          sum[r][1] += TILE_DOT(two, b1);
        }
      }
      TILE_UNROLL for (int r = 0; r < 4; r++) {
        *(tile_i4 *)((int *)C + (i + r) * n + j) = sum[r][0];
        *(tile_i4 *)((int *)C + (i + r) * n + j + 4) = sum[r][1];
      }
    }
}
