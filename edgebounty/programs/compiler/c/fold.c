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
