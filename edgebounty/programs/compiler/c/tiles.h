/* Register tiles of a matrix product: MR rows of A (packed k by k) times 8 columns of B (packed k by k). Each element of C is
   one sum in the order of k, whatever the tile, so its bits are those of the plain loop. C has `stride` columns, n of them
   are computed. */
typedef float tile_v4 __attribute__((ext_vector_type(4), aligned(4)));
typedef float tile_v2 __attribute__((ext_vector_type(2), aligned(4)));
#define TILE_UNROLL _Pragma("clang loop unroll(full)")
/* One number in all lanes, out of a vector that is loaded whole. A load of one number into all lanes would be the same;
   Cranelift sends it through a general register, since it moves all loads of a block to its beginning. For the same
   reason the loop over k is not unrolled: what is loaded ahead would not fit into 16 registers. */
#define TILE_LANE(vector, i) __builtin_shufflevector((vector), (vector), (i), (i), (i), (i))
/* Where a pointer comes from is hidden: else clang keeps one for each load and counts them all up, where a load could add
   the distance itself. */
#define TILE_FORGET(pointer) __asm__("" : "+r"(pointer))
/* a < b ? b : a in each lane; chosen by a condition it would become branches. */
static inline tile_v4 tile_max(tile_v4 a, tile_v4 b) {
#ifdef __wasm_simd128__
  return __builtin_wasm_pmax_f32x4(a, b);
#else
  TILE_UNROLL for (int i = 0; i < 4; i++) a[i] = a[i] < b[i] ? b[i] : a[i];
  return a;
#endif
}
#define TILE_ROW(i, one)                                                                                                \
  do {                                                                                                                  \
    tile_v4 row = (one);                                                                                                \
    sum[i][0] += row * b0;                                                                                              \
    sum[i][1] += row * b1;                                                                                              \
  } while (0)
#define TILE_ROWS_4                                                                                                     \
  tile_v4 a0 = *(const tile_v4 *)a;                                                                                     \
  TILE_ROW(0, TILE_LANE(a0, 0));                                                                                        \
  TILE_ROW(1, TILE_LANE(a0, 1));                                                                                        \
  TILE_ROW(2, TILE_LANE(a0, 2));                                                                                        \
  TILE_ROW(3, TILE_LANE(a0, 3))
#define TILE_ROWS_6                                                                                                     \
  tile_v4 a2 = *(const tile_v4 *)(a + 2);                                                                               \
  TILE_ROWS_4;                                                                                                          \
  TILE_ROW(4, TILE_LANE(a2, 2));                                                                                        \
  TILE_ROW(5, TILE_LANE(a2, 3))
#define TILE(MR)                                                                                                        \
  static __attribute__((noinline)) void tile_##MR(int count, const float *restrict a, const float *restrict b,          \
                                                  float *restrict c, int stride) {                                      \
    tile_v4 sum[MR][2];                                                                                                 \
    TILE_UNROLL for (int i = 0; i < MR; i++) TILE_UNROLL for (int j = 0; j < 2; j++) sum[i][j] = (tile_v4)(0.f);        \
    for (int k = 0; k < count; k++) {                                                                                   \
      TILE_FORGET(a);                                                                                                   \
      TILE_FORGET(b);                                                                                                   \
      tile_v4 b0 = *(const tile_v4 *)b, b1 = *(const tile_v4 *)(b + 4);                                                 \
      TILE_ROWS_##MR;                                                                                                   \
      a += MR;                                                                                                          \
      b += 8;                                                                                                           \
    }                                                                                                                   \
    TILE_UNROLL for (int i = 0; i < MR; i++)                                                                            \
      TILE_UNROLL for (int j = 0; j < 2; j++) *(tile_v4 *)(c + i * stride + 4 * j) = sum[i][j];                         \
  }                                                                                                                     \
  static inline void tiles_##MR(int m, int n, int k, const float *A, const float *B, float *C, int stride) {            \
    for (int j = 0; j < n; j += 8)                                                                                      \
      for (int i = 0; i < m; i += MR) tile_##MR(k, A + i * k, B + j * k, C + i * stride + j, stride);                   \
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
/* Four rows of four pairs each become, pair by pair, what the four rows have there. */
static inline void tile_turn(tile_i4 *to, const tile_s8 *line) {
  tile_i4 a = (tile_i4)line[0], b = (tile_i4)line[1], c = (tile_i4)line[2], d = (tile_i4)line[3];
  tile_i4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  to[0] = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
  to[1] = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
  ab = __builtin_shufflevector(a, b, 2, 6, 3, 7), cd = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  to[2] = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
  to[3] = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
}
#define TILE_PAIR(r)                                                                                                    \
  do {                                                                                                                  \
    tile_s8 two = (tile_s8)TILE_LANE(rows, r);                                                                          \
    sum[r][0] += TILE_DOT(two, b0);                                                                                     \
    sum[r][1] += TILE_DOT(two, b1);                                                                                     \
  } while (0)
static void tiles_pairs(int m, int n, int pairs, const float *A, const float *B, float *C, int stride) {
  for (int j = 0; j < n; j += 8)
    for (int i = 0; i < m; i += 4) {
      const int *a = (const int *)A + i * pairs;
      const tile_s8 *b = (const tile_s8 *)((const int *)B + j * pairs);
      tile_i4 sum[4][2];
      TILE_UNROLL for (int r = 0; r < 4; r++) sum[r][0] = sum[r][1] = (tile_i4)(0);
      for (int k = 0; k < pairs; k++) {
        TILE_FORGET(a);
        TILE_FORGET(b);
        tile_s8 b0 = b[0], b1 = b[1];
        tile_i4 rows = *(const tile_i4 *)a;
        TILE_PAIR(0);
        TILE_PAIR(1);
        TILE_PAIR(2);
        TILE_PAIR(3);
        a += 4;
        b += 2;
      }
      TILE_UNROLL for (int r = 0; r < 4; r++) {
        *(tile_i4 *)((int *)C + (i + r) * stride + j) = sum[r][0];
        *(tile_i4 *)((int *)C + (i + r) * stride + j + 4) = sum[r][1];
      }
    }
}
