/* The mean of some tasks' changes, weighted by rows, as one change that stands for all their rows. */
static const float *const change[WEIGHTS] = CHANGE_LIST;
static float *const joined[WEIGHTS] = JOINED_LIST;
static const int sizes[WEIGHTS] = WEIGHT_SIZES;
static double total[ALL_WEIGHTS];
static long long total_samples;

int start(void) {
  total_samples = 0;
  memset(total, 0, sizeof total);
  return STATUS_OK;
}

int step(void) {
  if (samples[0] < 0) return STATUS_BAD_INPUT;
  total_samples += samples[0];
  double *to = total, count = samples[0];
  for (int w = 0; w < WEIGHTS; w++)
    for (int i = 0; i < sizes[w]; i++) *to++ += count * change[w][i];
  return STATUS_OK;
}

int finish(void) {
  if (total_samples > 2147483647) return STATUS_BAD_INPUT;
  out_samples[0] = (int)total_samples;
  const double *from = total;
  int bad = 0;
  for (int w = 0; w < WEIGHTS; w++) {
    for (int i = 0; i < sizes[w]; i++, from++) joined[w][i] = total_samples ? (float)(*from / (double)total_samples) : 0;
    bad |= f32_nan(joined[w], sizes[w]);
  }
  return bad ? STATUS_NAN : STATUS_OK;
}
