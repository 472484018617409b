/* `step()` (captured, above) changes the arrays now_* by one batch. */
static const float *const before[WEIGHTS] = WEIGHT_LIST(, );
static float *const now[WEIGHTS] = WEIGHT_LIST(now_, );
static float *const change[WEIGHTS] = WEIGHT_LIST(d_, );
static const int sizes[WEIGHTS] = WEIGHT_SIZES;

/* cos(pi t) for t from 0 to 1, by the series around the nearest multiple of pi / 2: within 1e-15, and only of sums and
   products, so that every engine agrees. */
static inline double half_cosine(double t) {
  double x = (t - 0.5) * 3.14159265358979323846, x2 = x * x, term = x, sum = x;
  for (int k = 1; k < 13; k++) {
    term *= -x2 / ((2 * k) * (2 * k + 1));
    sum += term;
  }
  return -sum; /* cos(pi t) = -sin(pi (t - 1/2)) */
}

/* The learning rate of the step that follows `done` steps. */
static double rate_after(double done) {
  double rate = learning_rate[0];
#if defined SCHEDULE_LINEAR || defined SCHEDULE_COSINE
  double warm = warmup_steps[0], whole = total_steps[0];
  if (done < warm) return rate * (done + 1) / warm;
  if (done >= whole) return 0;
  double part = (done - warm) / (whole - warm);
#ifdef SCHEDULE_LINEAR
  return rate * (1 - part);
#else
  return rate * (1 + half_cosine(part)) / 2;
#endif
#else
  (void)done;
  return rate;
#endif
}

static double power(double base, long long exponent) {
  double result = 1;
  for (; exponent; exponent >>= 1, base *= base)
    if (exponent & 1) result *= base;
  return result;
}

/* Takes `local_steps` batches of the shard in their order, going round, or `epochs` whole passes; a short last batch is
   filled with rows that count for nothing. It begins where the steps so far would have got to. The output is the change of
   every weight, and how many rows it stands for. */
int run(void) {
  int n = rows[0];
  if (n < 0 || n > ROWS || epochs[0] < 0 || local_steps[0] < 0) return STATUS_BAD_INPUT;
  if (learning_rate[0] - learning_rate[0] != 0 || !(STEPS_BEFORE >= 0 && STEPS_BEFORE < 16777216)) return STATUS_BAD_INPUT;
#if defined SCHEDULE_LINEAR || defined SCHEDULE_COSINE
  if (warmup_steps[0] < 0 || total_steps[0] <= warmup_steps[0]) return STATUS_BAD_INPUT;
#endif
  if (labels_are_bad(n)) return STATUS_BAD_INPUT;
  if (inputs_are_nan(n)) return STATUS_NAN; /* a comparison would hide it */
  for (int w = 0; w < WEIGHTS; w++) {
    if (f32_odd(before[w], sizes[w])) return STATUS_NAN;
    memcpy(now[w], before[w], sizes[w] * sizeof(float));
  }
  long long batches = (n + BATCH - 1) / BATCH, done = (long long)STEPS_BEFORE;
  long long wanted = n == 0 ? 0 : local_steps[0] ? local_steps[0] : epochs[0] * batches;
  for (long long s = 0; s < wanted; s++) {
    int first = (int)((done + s) % batches) * BATCH;
    int count = n - first < BATCH ? n - first : BATCH;
    TAKE_BATCH;
    for (int i = 0; i < BATCH; i++) batch_mask[i] = i < count;
    batch_count[0] = (float)count;
    batch_rate[0] = (float)rate_after(done + s);
    batch_corrections[0] = (float)(1 / (1 - power(BETA1, done + s + 1)));
    batch_corrections[1] = (float)(1 / (1 - power(BETA2, done + s + 1)));
    step();
  }
  STEPS_NOW = STEPS_BEFORE + (float)wanted;
  samples[0] = n;
  int bad = 0;
  for (int w = 0; w < WEIGHTS; w++) {
    for (int i = 0; i < sizes[w]; i++) change[w][i] = now[w][i] - before[w][i];
    bad |= f32_nan(now[w], sizes[w]) | f32_nan(change[w], sizes[w]);
  }
  return bad ? STATUS_NAN : STATUS_OK;
}
