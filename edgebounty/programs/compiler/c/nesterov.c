/* The mean of the changes, weighted by rows, is taken as the opposite of a gradient and fed to Nesterov's momentum, for
   the weights of the model (those with a velocity); everything else, such as an optimiser's own arrays, is averaged.
   (Douillard et al. 2023, "DiLoCo", arXiv:2311.08105.) */
static const float *const before[WEIGHTS] = WEIGHT_LIST(, );
static const float *const change[WEIGHTS] = CHANGE_LIST;
static float *const after[WEIGHTS] = WEIGHT_LIST(out_, );
static const float *const velocity[WEIGHTS] = VELOCITY_LIST;
static float *const out_velocity[WEIGHTS] = OUT_VELOCITY_LIST;
static const int sizes[WEIGHTS] = WEIGHT_SIZES;
static double total[ALL_WEIGHTS], total_samples;

int start(void) {
  total_samples = 0;
  memset(total, 0, sizeof total);
  return outer_momentum[0] >= 0 && outer_momentum[0] < 1 && outer_rate[0] > 0 ? STATUS_OK : STATUS_BAD_INPUT;
}

int step(void) {
  double count = samples[0];
  if (count < 0) return STATUS_BAD_INPUT;
  total_samples += count;
  double *to = total;
  for (int w = 0; w < WEIGHTS; w++)
    for (int i = 0; i < sizes[w]; i++) *to++ += count * change[w][i];
  return STATUS_OK;
}

int finish(void) {
  if (total_samples < 1) return STATUS_BAD_INPUT; /* nobody had a row */
  double momentum = outer_momentum[0], rate = outer_rate[0];
  const double *from = total;
  int bad = 0;
  KEEP_FIXED
  for (int w = 0; w < WEIGHTS; w++) {
    for (int i = 0; i < sizes[w]; i++) {
      double mean = *from++ / total_samples;
      if (velocity[w]) {
        double v = momentum * velocity[w][i] + mean;
        out_velocity[w][i] = (float)v;
        mean = rate * (mean + momentum * v);
      }
      after[w][i] = (float)(before[w][i] + mean);
    }
    bad |= f32_nan(after[w], sizes[w]);
    if (velocity[w]) bad |= f32_nan(out_velocity[w], sizes[w]);
  }
  return bad ? STATUS_NAN : STATUS_OK;
}
