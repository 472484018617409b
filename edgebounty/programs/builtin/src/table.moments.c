/* table.moments: a program, made by edgebounty.programs.compiler */
#define CELLS 8191
#define PAIRS 256
#define ENDS 1
#define COUNTS 1
#define COLUMNS 16
/* state */
int phase[1] __attribute__((aligned(16)));
int state_columns[1] __attribute__((aligned(16)));
long long state_rows[1] __attribute__((aligned(16)));
double mean[16] __attribute__((aligned(16)));
double mean_low[16] __attribute__((aligned(16)));
double product[256] __attribute__((aligned(16)));
/* shard */
int rows[1] __attribute__((aligned(16)));
int columns[1] __attribute__((aligned(16)));
double x[8191] __attribute__((aligned(16)));
/* output */
int out_phase[1] __attribute__((aligned(16)));
int out_columns[1] __attribute__((aligned(16)));
long long out_rows[1] __attribute__((aligned(16)));
double sum[256] __attribute__((aligned(16)));
double sum_low[256] __attribute__((aligned(16)));
double low[1] __attribute__((aligned(16)));
double high[1] __attribute__((aligned(16)));
long long counts[1] __attribute__((aligned(16)));
typedef __SIZE_TYPE__ size_t;

/* The compiler may turn loops into calls of these two. */
void *memcpy(void *restrict to, const void *restrict from, size_t n) {
  unsigned char *a = to;
  const unsigned char *b = from;
  for (size_t i = 0; i < n; i++) a[i] = b[i];
  return to;
}
void *memset(void *to, int value, size_t n) {
  unsigned char *a = to;
  for (size_t i = 0; i < n; i++) a[i] = (unsigned char)value;
  return to;
}

#define STATUS_OK 0
#define STATUS_NAN 1
#define STATUS_BAD_INPUT 2

/* Is any of them NaN? */
static int f32_nan(const float *v, int n) {
  int bad = 0;
  for (int i = 0; i < n; i++) bad |= v[i] != v[i];
  return bad;
}
static int f64_nan(const double *v, int n) {
  int bad = 0;
  for (int i = 0; i < n; i++) bad |= v[i] != v[i];
  return bad;
}
/* Is any of them NaN or infinite? */
static int f32_odd(const float *v, int n) {
  int bad = 0;
  for (int i = 0; i < n; i++) bad |= v[i] - v[i] != 0;
  return bad;
}

/* Sums are kept as unevaluated pairs (high + low, Knuth's TwoSum): about 106 bits, so the order of shards
   hardly matters. */
static inline void pair_add(double *high, double *low, double value) {
  double sum = *high + value, part = sum - *high;
  *low += (*high - (sum - part)) + (value - part);
  *high = sum;
}
/* (high + low) / n as a pair: the quotient, then the rest of the division. */
static inline void pair_divide(double high, double low, double n, double *quotient, double *rest) {
  double sum = high + low, tail = low - (sum - high), q = sum / n;
  /* q * n = product + error, by Dekker's split (no fused multiply-add in WebAssembly) */
  double product = q * n, a = q * 134217729.0, qh = a - (a - q), ql = q - qh;
  double b = n * 134217729.0, nh = b - (b - n), nl = n - nh;
  double error = ((qh * nh - product) + qh * nl + ql * nh) + ql * nl;
  *quotient = q;
  *rest = a - a == 0 ? ((sum - product) - error + tail) / n : 0; /* a overflowed: leave the rest out */
}

/* What every program over a table leaves: sums as pairs, ends, counts. The rest of the file fills them. */
static void clear_partial(int c) {
  out_phase[0] = phase[0];
  out_columns[0] = c;
  out_rows[0] = rows[0];
  memset(sum, 0, sizeof sum);
  memset(sum_low, 0, sizeof sum_low);
  memset(counts, 0, sizeof counts);
  for (int i = 0; i < ENDS; i++) {
    low[i] = __builtin_inf();
    high[i] = -__builtin_inf();
  }
}
static int partial_status(void) { return f64_nan(sum, PAIRS) || f64_nan(sum_low, PAIRS) ? STATUS_NAN : STATUS_OK; }
static int shard_fits(void) { return rows[0] >= 0 && columns[0] >= 1 && rows[0] <= CELLS / columns[0]; }

/* Round 0: sums. Round 1: products of the deviations from the mean of the whole table, lower triangle. */
int run(void) {
  int r = rows[0], c = columns[0], second = phase[0];
  if (!shard_fits() || c > COLUMNS || second < 0 || second > 1) return STATUS_BAD_INPUT;
  if (second && c != state_columns[0]) return STATUS_BAD_INPUT;
  clear_partial(c);
  for (int i = 0; i < r; i++) {
    const double *row = x + i * c;
    if (!second) {
      for (int j = 0; j < c; j++) pair_add(&sum[j], &sum_low[j], row[j]);
      continue;
    }
    double d[COLUMNS];
    for (int j = 0; j < c; j++) d[j] = (row[j] - mean[j]) - mean_low[j];
    for (int j = 0; j < c; j++)
      for (int k = 0; k <= j; k++) pair_add(&sum[j * COLUMNS + k], &sum_low[j * COLUMNS + k], d[j] * d[k]);
  }
  return partial_status();
}
