/* table.stats.combine: a reducer, made by edgebounty.programs.compiler */
#define CELLS 8191
#define COLUMNS 32
#define BINS 16
#define PAIRS 32
/* state */
int phase[1] __attribute__((aligned(16)));
int columns[1] __attribute__((aligned(16)));
long long rows[1] __attribute__((aligned(16)));
double mean[32] __attribute__((aligned(16)));
double mean_low[32] __attribute__((aligned(16)));
double minimum[32] __attribute__((aligned(16)));
double maximum[32] __attribute__((aligned(16)));
double variance[32] __attribute__((aligned(16)));
long long histogram[512] __attribute__((aligned(16)));
/* input */
int in_phase[1] __attribute__((aligned(16)));
int in_columns[1] __attribute__((aligned(16)));
long long in_rows[1] __attribute__((aligned(16)));
double sum[32] __attribute__((aligned(16)));
double sum_low[32] __attribute__((aligned(16)));
double low[32] __attribute__((aligned(16)));
double high[32] __attribute__((aligned(16)));
long long counts[512] __attribute__((aligned(16)));
/* output */
int out_phase[1] __attribute__((aligned(16)));
int out_columns[1] __attribute__((aligned(16)));
long long out_rows[1] __attribute__((aligned(16)));
double out_sum[32] __attribute__((aligned(16)));
double out_sum_low[32] __attribute__((aligned(16)));
double out_low[32] __attribute__((aligned(16)));
double out_high[32] __attribute__((aligned(16)));
long long out_counts[512] __attribute__((aligned(16)));
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
