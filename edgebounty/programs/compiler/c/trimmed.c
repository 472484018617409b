/* Each weight's change is the mean of what is left when the largest and the smallest `trim` share of the tasks' changes
   are dropped; from a half on it is their median. Every task counts alike: the number of rows is what a liar would
   raise. (Yin et al. 2018, arXiv:1803.01498.) Tasks without rows are left out. */
static const float *const before[WEIGHTS] = WEIGHT_LIST(, );
static const float *const change[WEIGHTS] = CHANGE_LIST;
static float *const after[WEIGHTS] = WEIGHT_LIST(out_, );
static const int sizes[WEIGHTS] = WEIGHT_SIZES;
static float stored[TASKS][ALL_WEIGHTS];
static int taken;

int start(void) {
  taken = 0;
  return trim[0] >= 0 && trim[0] <= 0.5f ? STATUS_OK : STATUS_BAD_INPUT;
}

int step(void) {
  if (samples[0] < 0) return STATUS_BAD_INPUT;
  if (samples[0] == 0) return STATUS_OK;
  if (taken >= TASKS) return STATUS_BAD_INPUT;
  float *to = stored[taken++];
  for (int w = 0; w < WEIGHTS; w++) {
    if (f32_nan(change[w], sizes[w])) return STATUS_NAN; /* it has no place in an order */
    memcpy(to, change[w], sizes[w] * sizeof(float));
    to += sizes[w];
  }
  return STATUS_OK;
}

static float middle_mean(int at, int drop) {
  float v[TASKS];
  for (int i = 0; i < taken; i++) {
    float x = stored[i][at];
    int j = i;
    for (; j > 0 && v[j - 1] > x; j--) v[j] = v[j - 1];
    v[j] = x;
  }
  double sum = 0;
  for (int i = drop; i < taken - drop; i++) sum += v[i];
  return (float)(sum / (taken - 2 * drop));
}

int finish(void) {
  if (taken < 1) return STATUS_BAD_INPUT; /* nobody had a row */
  int drop = (int)(trim[0] * (float)taken), bad = 0, at = 0;
  if (2 * drop >= taken) drop = (taken - 1) / 2;
  KEEP_FIXED
  for (int w = 0; w < WEIGHTS; w++) {
    for (int i = 0; i < sizes[w]; i++) after[w][i] = before[w][i] + middle_mean(at++, drop);
    bad |= f32_nan(after[w], sizes[w]);
  }
  return bad ? STATUS_NAN : STATUS_OK;
}
