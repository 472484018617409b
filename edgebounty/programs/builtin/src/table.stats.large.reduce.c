/* table.stats.large.reduce: a reducer, made by edgebounty.programs.compiler */
#define CELLS 131071
#define COLUMNS 1024
#define BINS 64
/* state */
int phase[1] __attribute__((aligned(16)));
int columns[1] __attribute__((aligned(16)));
long long rows[1] __attribute__((aligned(16)));
double mean[1024] __attribute__((aligned(16)));
double mean_low[1024] __attribute__((aligned(16)));
double minimum[1024] __attribute__((aligned(16)));
double maximum[1024] __attribute__((aligned(16)));
double variance[1024] __attribute__((aligned(16)));
long long histogram[65536] __attribute__((aligned(16)));
/* input */
int in_phase[1] __attribute__((aligned(16)));
int in_columns[1] __attribute__((aligned(16)));
long long in_rows[1] __attribute__((aligned(16)));
double sum[1024] __attribute__((aligned(16)));
double sum_low[1024] __attribute__((aligned(16)));
double low[1024] __attribute__((aligned(16)));
double high[1024] __attribute__((aligned(16)));
long long counts[65536] __attribute__((aligned(16)));
/* output */
int out_phase[1] __attribute__((aligned(16)));
int out_columns[1] __attribute__((aligned(16)));
long long out_rows[1] __attribute__((aligned(16)));
double out_mean[1024] __attribute__((aligned(16)));
double out_mean_low[1024] __attribute__((aligned(16)));
double out_minimum[1024] __attribute__((aligned(16)));
double out_maximum[1024] __attribute__((aligned(16)));
double out_variance[1024] __attribute__((aligned(16)));
long long out_histogram[65536] __attribute__((aligned(16)));
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

static void pair_add(double *high, double *low, double value) {
  double sum = *high + value, part = sum - *high;
  *low += (*high - (sum - part)) + (value - part);
  *high = sum;
}
static double total[COLUMNS], total_low[COLUMNS], lowest[COLUMNS], highest[COLUMNS];
static long long total_counts[COLUMNS * BINS], total_rows;
static int width;

int start(void) {
  total_rows = 0; width = 0;
  for (int j = 0; j < COLUMNS; j++) {
    total[j] = total_low[j] = 0;
    lowest[j] = __builtin_inf(); highest[j] = -__builtin_inf();
    for (int k = 0; k < BINS; k++) total_counts[j * BINS + k] = 0;
  }
  return phase[0] == 0 || phase[0] == 1 ? STATUS_OK : STATUS_BAD_INPUT;
}

int step(void) {
  if (in_phase[0] != phase[0] || in_columns[0] < 1 || in_columns[0] > COLUMNS) return STATUS_BAD_INPUT;
  if (width && in_columns[0] != width) return STATUS_BAD_INPUT;
  width = in_columns[0];
  total_rows += in_rows[0];
  for (int j = 0; j < width; j++) {
    pair_add(&total[j], &total_low[j], sum[j]);
    total_low[j] += sum_low[j];
    if (low[j] < lowest[j]) lowest[j] = low[j];
    if (high[j] > highest[j]) highest[j] = high[j];
    for (int k = 0; k < BINS; k++) total_counts[j * BINS + k] += counts[j * BINS + k];
  }
  return STATUS_OK;
}

/* (high + low) / n as a pair: the quotient, then the rest of the division, both exact enough for 106 bits. */
static void divide(double high, double low, double n, double *quotient, double *rest) {
  double sum = high + low, tail = low - (sum - high), q = sum / n;
  /* q * n = product + error, by Dekker's split (no fused multiply-add in WebAssembly) */
  double product = q * n, a = q * 134217729.0, qh = a - (a - q), ql = q - qh;
  double b = n * 134217729.0, nh = b - (b - n), nl = n - nh;
  double error = ((qh * nh - product) + qh * nl + ql * nh) + ql * nl;
  *quotient = q;
  *rest = a - a == 0 ? ((sum - product) - error + tail) / n : 0; /* a overflowed: leave the rest out */
}

int finish(void) {
  double n = (double)total_rows;
  if (total_rows < 1) return STATUS_BAD_INPUT; /* statistics of no rows */
  if (phase[0] == 1 && (width != columns[0] || total_rows != rows[0])) return STATUS_BAD_INPUT;
  out_phase[0] = phase[0] + 1; out_columns[0] = width; out_rows[0] = total_rows;
  for (int j = 0; j < width; j++) {
    if (phase[0] == 0) {
      divide(total[j], total_low[j], n, &out_mean[j], &out_mean_low[j]);
      out_minimum[j] = lowest[j]; out_maximum[j] = highest[j];
    } else {
      double rest;
      out_mean[j] = mean[j]; out_mean_low[j] = mean_low[j];
      out_minimum[j] = minimum[j]; out_maximum[j] = maximum[j];
      divide(total[j], total_low[j], n, &out_variance[j], &rest);
      for (int k = 0; k < BINS; k++) out_histogram[j * BINS + k] = total_counts[j * BINS + k];
    }
  }
  return f64_nan(out_mean, width) || f64_nan(out_mean_low, width) || f64_nan(out_variance, width) ? STATUS_NAN : STATUS_OK;
}
