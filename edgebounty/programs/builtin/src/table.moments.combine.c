/* table.moments.combine: a reducer, made by edgebounty.programs.compiler */
#define CELLS 8191
#define PAIRS 256
#define ENDS 1
#define COUNTS 1
#define COLUMNS 16
/* state */
int phase[1] __attribute__((aligned(16)));
int columns[1] __attribute__((aligned(16)));
long long rows[1] __attribute__((aligned(16)));
double mean[16] __attribute__((aligned(16)));
double mean_low[16] __attribute__((aligned(16)));
double product[256] __attribute__((aligned(16)));
/* input */
int in_phase[1] __attribute__((aligned(16)));
int in_columns[1] __attribute__((aligned(16)));
long long in_rows[1] __attribute__((aligned(16)));
double sum[256] __attribute__((aligned(16)));
double sum_low[256] __attribute__((aligned(16)));
double low[1] __attribute__((aligned(16)));
double high[1] __attribute__((aligned(16)));
long long counts[1] __attribute__((aligned(16)));
/* output */
int out_phase[1] __attribute__((aligned(16)));
int out_columns[1] __attribute__((aligned(16)));
long long out_rows[1] __attribute__((aligned(16)));
double out_sum[256] __attribute__((aligned(16)));
double out_sum_low[256] __attribute__((aligned(16)));
double out_low[1] __attribute__((aligned(16)));
double out_high[1] __attribute__((aligned(16)));
long long out_counts[1] __attribute__((aligned(16)));
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

/* Joins partial results of shards, in their order: sums add as pairs, ends widen, counts add. */
static double total[PAIRS], total_low[PAIRS], lowest[ENDS], highest[ENDS];
static long long total_counts[COUNTS], total_rows;
static int width;

int start(void) {
  total_rows = 0;
  width = 0;
  memset(total, 0, sizeof total);
  memset(total_low, 0, sizeof total_low);
  memset(total_counts, 0, sizeof total_counts);
  for (int i = 0; i < ENDS; i++) {
    lowest[i] = __builtin_inf();
    highest[i] = -__builtin_inf();
  }
  return phase[0] < 0 ? STATUS_BAD_INPUT : STATUS_OK;
}

int step(void) {
  if (in_phase[0] != phase[0] || in_columns[0] < 1 || in_rows[0] < 0) return STATUS_BAD_INPUT;
  if (width && in_columns[0] != width) return STATUS_BAD_INPUT;
  width = in_columns[0];
  total_rows += in_rows[0];
  for (int i = 0; i < PAIRS; i++) {
    pair_add(&total[i], &total_low[i], sum[i]);
    total_low[i] += sum_low[i];
  }
  for (int i = 0; i < ENDS; i++) {
    if (low[i] < lowest[i]) lowest[i] = low[i];
    if (high[i] > highest[i]) highest[i] = high[i];
  }
  for (int i = 0; i < COUNTS; i++) total_counts[i] += counts[i];
  return STATUS_OK;
}

/* A node inside a tree of reduces: what it folded goes up as one partial result. */
int finish(void) {
  out_phase[0] = phase[0];
  out_columns[0] = width;
  out_rows[0] = total_rows;
  memcpy(out_sum, total, sizeof total);
  memcpy(out_sum_low, total_low, sizeof total_low);
  memcpy(out_low, lowest, sizeof lowest);
  memcpy(out_high, highest, sizeof highest);
  memcpy(out_counts, total_counts, sizeof total_counts);
  return f64_nan(out_sum, PAIRS) || f64_nan(out_sum_low, PAIRS) ? STATUS_NAN : STATUS_OK;
}
