/* table.stats.large: a program, made by edgebounty.programs.compiler */
#define CELLS 131071
#define COLUMNS 1024
#define BINS 64
/* state */
int phase[1] __attribute__((aligned(16)));
int state_columns[1] __attribute__((aligned(16)));
long long state_rows[1] __attribute__((aligned(16)));
double mean[1024] __attribute__((aligned(16)));
double mean_low[1024] __attribute__((aligned(16)));
double minimum[1024] __attribute__((aligned(16)));
double maximum[1024] __attribute__((aligned(16)));
double variance[1024] __attribute__((aligned(16)));
long long histogram[65536] __attribute__((aligned(16)));
/* shard */
int rows[1] __attribute__((aligned(16)));
int columns[1] __attribute__((aligned(16)));
double x[131071] __attribute__((aligned(16)));
/* output */
int out_phase[1] __attribute__((aligned(16)));
int out_columns[1] __attribute__((aligned(16)));
long long out_rows[1] __attribute__((aligned(16)));
double sum[1024] __attribute__((aligned(16)));
double sum_low[1024] __attribute__((aligned(16)));
double low[1024] __attribute__((aligned(16)));
double high[1024] __attribute__((aligned(16)));
long long counts[65536] __attribute__((aligned(16)));
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
   hardly matters and the mean is right to the last bit but rarely. */
static void pair_add(double *high, double *low, double value) {
  double sum = *high + value, part = sum - *high;
  *low += (*high - (sum - part)) + (value - part);
  *high = sum;
}

/* The bin of a value, by the very steps of numpy.histogram with `BINS` equal bins. */
static double edge(int k, double first, double last) { return k == BINS ? last : k * ((last - first) / BINS) + first; }
static int bin_of(double value, double first, double last) {
  int k = (int)((value - first) / (last - first) * BINS);
  if (k >= BINS) k = BINS - 1;
  if (value < edge(k, first, last)) k--;
  else if (k != BINS - 1 && value >= edge(k + 1, first, last)) k++;
  return k < 0 ? 0 : k;
}

/* Round 0 (phase 0): count, sum, minimum, maximum. Round 1 (phase 1): sum of squared deviations from the exact mean,
   and the histogram between minimum and maximum. `x` is row-major, `columns` values a row. */
int run(void) {
  int r = rows[0], c = columns[0], second = phase[0] == 1;
  if (r < 0 || c < 1 || c > COLUMNS || r > CELLS / c) return STATUS_BAD_INPUT;
  if (second && c != state_columns[0]) return STATUS_BAD_INPUT;
  out_phase[0] = phase[0]; out_columns[0] = c; out_rows[0] = r;
  for (int j = 0; j < COLUMNS; j++) {
    sum[j] = sum_low[j] = 0;
    low[j] = __builtin_inf(); high[j] = -__builtin_inf();
    for (int k = 0; k < BINS; k++) counts[j * BINS + k] = 0;
  }
  for (int i = 0; i < r; i++) {
    const double *row = x + i * c;
    for (int j = 0; j < c; j++) {
      double v = row[j];
      if (v - v != 0) return STATUS_NAN; /* NaN, or an infinity, whose statistics would be NaN */
      if (!second) {
        pair_add(&sum[j], &sum_low[j], v);
        if (v < low[j]) low[j] = v;
        if (v > high[j]) high[j] = v;
      } else {
        double d = (v - mean[j]) - mean_low[j], first = minimum[j], last = maximum[j];
        if (first == last) { first -= 0.5; last += 0.5; }
        pair_add(&sum[j], &sum_low[j], d * d);
        if (v >= minimum[j] && v <= maximum[j]) counts[j * BINS + bin_of(v, first, last)]++;
        else return STATUS_BAD_INPUT; /* not the table that round 0 saw */
      }
    }
  }
  return f64_nan(sum, COLUMNS) || f64_nan(sum_low, COLUMNS) ? STATUS_NAN : STATUS_OK;
}
