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
