/* table.logistic.large: a program, made by edgebounty.programs.compiler */
#define CELLS 131071
#define PAIRS 16513
#define ENDS 1
#define COUNTS 1
#define COLUMNS 128
/* state */
int phase[1] __attribute__((aligned(16)));
int state_columns[1] __attribute__((aligned(16)));
long long state_rows[1] __attribute__((aligned(16)));
double weights[128] __attribute__((aligned(16)));
double best[128] __attribute__((aligned(16)));
double move[128] __attribute__((aligned(16)));
double best_loss[1] __attribute__((aligned(16)));
double slope[1] __attribute__((aligned(16)));
/* shard */
int rows[1] __attribute__((aligned(16)));
int columns[1] __attribute__((aligned(16)));
double x[131071] __attribute__((aligned(16)));
/* params */
double ridge[1] __attribute__((aligned(16)));
/* output */
int out_phase[1] __attribute__((aligned(16)));
int out_columns[1] __attribute__((aligned(16)));
long long out_rows[1] __attribute__((aligned(16)));
double sum[16513] __attribute__((aligned(16)));
double sum_low[16513] __attribute__((aligned(16)));
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

/* exp for x <= 0, right to about one unit in the last place: x = k ln 2 + r, Taylor's series for |r| <= ln 2 / 2. */
static double exp_negative(double v) {
  if (v < -708) return 0;
  double k = (double)(long long)(v * 1.4426950408889634 - 0.5);
  double r = (v - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10, s = 1;
  for (int i = 17; i > 0; i--) s = 1 + s * r / i;
  union { unsigned long long bits; double number; } power = {(unsigned long long)((long long)k + 1023) << 52};
  return s * power.number;
}
/* log(1 + v) for 0 <= v <= 1: twice the area tangent of v / (2 + v). */
static double log1p_unit(double v) {
  double s = v / (2 + v), square = s * s, total = 0;
  for (int i = 39; i > 0; i -= 2) total = total * square + 1.0 / i;
  return 2 * s * total;
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

/* The last column of a row is 0 or 1. Gradient, Hessian (lower triangle) and loss of the logarithmic likelihood for the
   weights of this round; weight `d` is the constant. */
int run(void) {
  int r = rows[0], c = columns[0], d = c - 1;
  if (!shard_fits() || d < 1 || c > COLUMNS || phase[0] < 0) return STATUS_BAD_INPUT;
  clear_partial(c);
  for (int i = 0; i < r; i++) {
    const double *row = x + i * c;
    double y = row[d], z = weights[d], features[COLUMNS];
    if (y != 0 && y != 1) return STATUS_BAD_INPUT;
    for (int j = 0; j < d; j++) features[j] = row[j], z += row[j] * weights[j];
    features[d] = 1;
    if (z != z) return STATUS_NAN;
    double e = exp_negative(z < 0 ? z : -z), p = (z < 0 ? e : 1) / (1 + e);
    double curve = e / ((1 + e) * (1 + e));
    for (int j = 0; j < c; j++) {
      pair_add(&sum[j], &sum_low[j], (p - y) * features[j]);
      for (int k = 0; k <= j; k++) {
        int at = COLUMNS + j * COLUMNS + k;
        pair_add(&sum[at], &sum_low[at], curve * features[j] * features[k]);
      }
    }
    pair_add(&sum[PAIRS - 1], &sum_low[PAIRS - 1], log1p_unit(e) + ((z > 0) - y) * z);
  }
  return partial_status();
}
