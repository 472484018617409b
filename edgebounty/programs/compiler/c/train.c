/* `step()` (captured, above) changes the weights now_* by one batch. */
static const float *const before[WEIGHTS] = WEIGHT_LIST(, );
static float *const now[WEIGHTS] = WEIGHT_LIST(now_, );
static float *const change[WEIGHTS] = WEIGHT_LIST(d_, );
static const int sizes[WEIGHTS] = WEIGHT_SIZES;

/* Goes `epochs` times over the shard's rows in their order, BATCH at a time; a short last batch is filled with rows that
   count for nothing. The output is the change of every weight, and how many rows it stands for. */
int run(void) {
  int n = rows[0];
  if (n < 0 || n > ROWS || epochs[0] < 0 || learning_rate[0] != learning_rate[0]) return STATUS_BAD_INPUT;
  for (int i = 0; i < n; i++) if (y[i] < 0 || y[i] >= CLASSES) return STATUS_BAD_INPUT;
  if (f32_odd(x, n * INPUTS)) return STATUS_NAN; /* a rectifier would hide it */
  for (int w = 0; w < WEIGHTS; w++) {
    if (f32_odd(before[w], sizes[w])) return STATUS_NAN;
    memcpy(now[w], before[w], sizes[w] * sizeof(float));
  }
  for (int epoch = 0; epoch < epochs[0]; epoch++) {
    for (int first = 0; first < n; first += BATCH) {
      int count = n - first < BATCH ? n - first : BATCH;
      memcpy(batch_x, x + first * INPUTS, count * INPUTS * sizeof(float));
      memcpy(batch_y, y + first, count * sizeof(int));
      for (int i = 0; i < BATCH; i++) batch_mask[i] = i < count;
      memset(batch_x + count * INPUTS, 0, (BATCH - count) * INPUTS * sizeof(float));
      memset(batch_y + count, 0, (BATCH - count) * sizeof(int));
      batch_count[0] = (float)count;
      step();
    }
  }
  samples[0] = n;
  int bad = 0;
  for (int w = 0; w < WEIGHTS; w++) {
    for (int i = 0; i < sizes[w]; i++) change[w][i] = now[w][i] - before[w][i];
    bad |= f32_nan(now[w], sizes[w]) | f32_nan(change[w], sizes[w]);
  }
  return bad ? STATUS_NAN : STATUS_OK;
}
