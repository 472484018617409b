/* table.quantiles.large: a program, made by edgebounty.programs.compiler */
#define CELLS 131071
#define PAIRS 1
#define ENDS 1
#define COUNTS 131072
#define SLOTS 64
#define BITS 11
#define BINS 2048
/* state */
int phase[1] __attribute__((aligned(16)));
int state_columns[1] __attribute__((aligned(16)));
long long state_rows[1] __attribute__((aligned(16)));
int slots[1] __attribute__((aligned(16)));
int column_of[64] __attribute__((aligned(16)));
long long prefix[64] __attribute__((aligned(16)));
long long rank[64] __attribute__((aligned(16)));
/* shard */
int rows[1] __attribute__((aligned(16)));
int columns[1] __attribute__((aligned(16)));
double x[131071] __attribute__((aligned(16)));
/* output */
int out_phase[1] __attribute__((aligned(16)));
int out_columns[1] __attribute__((aligned(16)));
long long out_rows[1] __attribute__((aligned(16)));
double sum[1] __attribute__((aligned(16)));
double sum_low[1] __attribute__((aligned(16)));
double low[1] __attribute__((aligned(16)));
double high[1] __attribute__((aligned(16)));
long long counts[131072] __attribute__((aligned(16)));
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

/* A double as an unsigned number in the same order; minus zero counts as zero. */
static inline unsigned long long ordered(double value) {
  union { double number; unsigned long long bits; } u = {value + 0.0};
  return u.bits >> 63 ? ~u.bits : u.bits | 1ULL << 63;
}
/* How many bits rounds 0 to `round` - 1 have fixed, and how many `round` fixes. */
static inline int bits_before(int round) { return round * BITS < 64 ? round * BITS : 64; }
static inline int bits_of(int round) { return bits_before(round + 1) - bits_before(round); }

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

/* A radix search: each slot looks for one order statistic of one column. `prefix` are the bits that are known of it;
   this round counts, among the values with that prefix, which BITS bits come next. */
int run(void) {
  int r = rows[0], c = columns[0], n = slots[0], round = phase[0];
  if (!shard_fits() || round < 0 || n < 1 || n > SLOTS || bits_of(round) < 1) return STATUS_BAD_INPUT;
  clear_partial(c);
  int known = bits_before(round), next = bits_of(round);
  for (int s = 0; s < n; s++) {
    if (column_of[s] < 0 || column_of[s] >= c) return STATUS_BAD_INPUT;
    unsigned long long wanted = (unsigned long long)prefix[s];
    long long *mine = counts + s * BINS;
    for (int i = 0; i < r; i++) {
      double value = x[i * c + column_of[s]];
      if (value != value) return STATUS_NAN;
      unsigned long long key = ordered(value);
      if (known && key >> (64 - known) != wanted) continue;
      mine[(key << known) >> (64 - next)]++;
    }
  }
  return STATUS_OK;
}
