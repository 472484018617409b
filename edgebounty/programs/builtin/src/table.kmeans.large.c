/* table.kmeans.large: a program, made by edgebounty.programs.compiler */
#define CELLS 131071
#define PAIRS 16385
#define ENDS 1
#define COUNTS 16384
#define CELLS_OUT 16384
/* state */
int phase[1] __attribute__((aligned(16)));
int state_columns[1] __attribute__((aligned(16)));
long long state_rows[1] __attribute__((aligned(16)));
double centre[16384] __attribute__((aligned(16)));
double inertia[1] __attribute__((aligned(16)));
long long count[16384] __attribute__((aligned(16)));
/* shard */
int rows[1] __attribute__((aligned(16)));
int columns[1] __attribute__((aligned(16)));
double x[131071] __attribute__((aligned(16)));
/* params */
int clusters[1] __attribute__((aligned(16)));
/* output */
int out_phase[1] __attribute__((aligned(16)));
int out_columns[1] __attribute__((aligned(16)));
long long out_rows[1] __attribute__((aligned(16)));
double sum[16385] __attribute__((aligned(16)));
double sum_low[16385] __attribute__((aligned(16)));
double low[1] __attribute__((aligned(16)));
double high[1] __attribute__((aligned(16)));
long long counts[16384] __attribute__((aligned(16)));
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

/* Lloyd's algorithm: each row counts for the nearest centre, the first of equals. The last pair is the inertia. */
int run(void) {
  int r = rows[0], c = columns[0], k = clusters[0];
  if (!shard_fits() || k < 1 || k > CELLS_OUT / c || phase[0] < 0) return STATUS_BAD_INPUT;
  clear_partial(c);
  for (int i = 0; i < r; i++) {
    const double *row = x + i * c;
    double nearest = __builtin_inf();
    int found = -1;
    for (int m = 0; m < k; m++) {
      double distance = 0;
      for (int j = 0; j < c; j++) {
        double d = row[j] - centre[m * c + j];
        distance += d * d;
      }
      if (distance < nearest) nearest = distance, found = m;
    }
    if (found < 0) return STATUS_NAN;
    counts[found]++;
    for (int j = 0; j < c; j++) pair_add(&sum[found * c + j], &sum_low[found * c + j], row[j]);
    pair_add(&sum[PAIRS - 1], &sum_low[PAIRS - 1], nearest);
  }
  return partial_status();
}
