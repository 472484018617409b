/* table.logistic.large.reduce: a reducer, made by edgebounty.programs.compiler */
#define CELLS 131071
#define PAIRS 16513
#define ENDS 1
#define COUNTS 1
#define COLUMNS 128
/* state */
int phase[1] __attribute__((aligned(16)));
int columns[1] __attribute__((aligned(16)));
long long rows[1] __attribute__((aligned(16)));
double weights[128] __attribute__((aligned(16)));
double best[128] __attribute__((aligned(16)));
double move[128] __attribute__((aligned(16)));
double best_loss[1] __attribute__((aligned(16)));
double slope[1] __attribute__((aligned(16)));
/* input */
int in_phase[1] __attribute__((aligned(16)));
int in_columns[1] __attribute__((aligned(16)));
long long in_rows[1] __attribute__((aligned(16)));
double sum[16513] __attribute__((aligned(16)));
double sum_low[16513] __attribute__((aligned(16)));
double low[1] __attribute__((aligned(16)));
double high[1] __attribute__((aligned(16)));
long long counts[1] __attribute__((aligned(16)));
/* params */
double ridge[1] __attribute__((aligned(16)));
/* output */
int out_phase[1] __attribute__((aligned(16)));
int out_columns[1] __attribute__((aligned(16)));
long long out_rows[1] __attribute__((aligned(16)));
double out_weights[128] __attribute__((aligned(16)));
double out_best[128] __attribute__((aligned(16)));
double out_move[128] __attribute__((aligned(16)));
double out_best_loss[1] __attribute__((aligned(16)));
double out_slope[1] __attribute__((aligned(16)));
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

/* One step of Newton's method with the penalty ridge / 2 |weights|^2 (not on the constant). A step that made the loss
   larger is halved instead, from the best weights so far. */
static double pair(int at) { return total[at] + total_low[at]; }

int finish(void) {
  int c = width, d = c - 1;
  if (total_rows < 1 || d < 1 || c > COLUMNS || !(ridge[0] >= 0)) return STATUS_BAD_INPUT;
  static double h[COLUMNS][COLUMNS], g[COLUMNS];
  double loss = pair(PAIRS - 1);
  for (int j = 0; j < d; j++) loss += 0.5 * ridge[0] * weights[j] * weights[j];
  out_phase[0] = phase[0] + 1;
  out_columns[0] = c;
  if (phase[0] && !(loss <= best_loss[0])) {
    for (int j = 0; j < c; j++) {
      out_best[j] = best[j];
      out_move[j] = move[j] / 2;
      out_weights[j] = best[j] - out_move[j];
    }
    out_best_loss[0] = best_loss[0];
    out_slope[0] = slope[0];
    return STATUS_OK;
  }
  double steepest = 0;
  for (int j = 0; j < c; j++) {
    g[j] = pair(j) + (j < d ? ridge[0] * weights[j] : 0);
    double size = g[j] < 0 ? -g[j] : g[j];
    if (size > steepest) steepest = size;
    for (int k = 0; k <= j; k++) h[j][k] = pair(COLUMNS + j * COLUMNS + k) + (j == k && j < d ? ridge[0] : 0);
  }
  /* h = L D L^T in place, then two triangular solves. */
  for (int j = 0; j < c; j++) {
    for (int k = 0; k < j; k++) h[j][j] -= h[j][k] * h[j][k] * h[k][k];
    if (!(h[j][j] > 0)) return STATUS_BAD_INPUT; /* columns that say the same: the requester is told to raise the ridge */
    for (int i = j + 1; i < c; i++) {
      for (int k = 0; k < j; k++) h[i][j] -= h[i][k] * h[j][k] * h[k][k];
      h[i][j] /= h[j][j];
    }
  }
  for (int j = 0; j < c; j++)
    for (int k = 0; k < j; k++) g[j] -= h[j][k] * g[k];
  for (int j = 0; j < c; j++) g[j] /= h[j][j];
  for (int j = c - 1; j >= 0; j--)
    for (int k = j + 1; k < c; k++) g[j] -= h[k][j] * g[k];
  for (int j = 0; j < c; j++) {
    out_best[j] = weights[j];
    out_move[j] = g[j];
    out_weights[j] = weights[j] - g[j];
  }
  out_best_loss[0] = loss;
  out_slope[0] = steepest;
  return f64_nan(out_weights, COLUMNS) || loss != loss ? STATUS_NAN : STATUS_OK;
}
