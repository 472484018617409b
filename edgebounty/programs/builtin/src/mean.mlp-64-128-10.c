/* mean.mlp-64-128-10: a reducer, made by edgebounty.programs.compiler */
#define WEIGHTS 4
/* state */
float w1[8192] __attribute__((aligned(16)));
float b1[128] __attribute__((aligned(16)));
float w2[1280] __attribute__((aligned(16)));
float b2[10] __attribute__((aligned(16)));
/* input */
float d_w1[8192] __attribute__((aligned(16)));
float d_b1[128] __attribute__((aligned(16)));
float d_w2[1280] __attribute__((aligned(16)));
float d_b2[10] __attribute__((aligned(16)));
int samples[1] __attribute__((aligned(16)));
/* output */
float out_w1[8192] __attribute__((aligned(16)));
float out_b1[128] __attribute__((aligned(16)));
float out_w2[1280] __attribute__((aligned(16)));
float out_b2[10] __attribute__((aligned(16)));
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

static double total_w1[8192] __attribute__((aligned(64)));
static double total_b1[128] __attribute__((aligned(64)));
static double total_w2[1280] __attribute__((aligned(64)));
static double total_b2[10] __attribute__((aligned(64)));
#define WEIGHT_LIST(before, after) {before##w1##after, before##b1##after, before##w2##after, before##b2##after}
#define WEIGHT_SIZES {8192, 128, 1280, 10}
/* The mean of the changes, each weighted by its rows, is added to the weights. Sums are double: the order of tasks is
   fixed, and so many more tasks than there ever are could not lose a bit that a float shows. */
static const float *const before[WEIGHTS] = WEIGHT_LIST(, );
static const float *const change[WEIGHTS] = WEIGHT_LIST(d_, );
static float *const after[WEIGHTS] = WEIGHT_LIST(out_, );
static double *const total[WEIGHTS] = WEIGHT_LIST(total_, );
static const int sizes[WEIGHTS] = WEIGHT_SIZES;
static double total_samples;

int start(void) {
  total_samples = 0;
  for (int w = 0; w < WEIGHTS; w++) memset(total[w], 0, sizes[w] * sizeof(double));
  return STATUS_OK;
}

int step(void) {
  double count = samples[0];
  if (count < 0) return STATUS_BAD_INPUT;
  total_samples += count;
  for (int w = 0; w < WEIGHTS; w++)
    for (int i = 0; i < sizes[w]; i++) total[w][i] += count * change[w][i];
  return STATUS_OK;
}

int finish(void) {
  if (total_samples < 1) return STATUS_BAD_INPUT; /* nobody had a row */
  int bad = 0;
  for (int w = 0; w < WEIGHTS; w++) {
    for (int i = 0; i < sizes[w]; i++) after[w][i] = (float)(before[w][i] + total[w][i] / total_samples);
    bad |= f32_nan(after[w], sizes[w]);
  }
  return bad ? STATUS_NAN : STATUS_OK;
}
