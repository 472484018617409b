static void pair_add(double *high, double *low, double value) {
  double sum = *high + value, part = sum - *high;
  *low += (*high - (sum - part)) + (value - part);
  *high = sum;
}
static double total[COLUMNS], total_low[COLUMNS], lowest[COLUMNS], highest[COLUMNS];
static long long total_counts[COLUMNS * BINS], total_rows;
static int width;

int start(void) {
  total_rows = 0; width = 0;
  for (int j = 0; j < COLUMNS; j++) {
    total[j] = total_low[j] = 0;
    lowest[j] = __builtin_inf(); highest[j] = -__builtin_inf();
    for (int k = 0; k < BINS; k++) total_counts[j * BINS + k] = 0;
  }
  return phase[0] == 0 || phase[0] == 1 ? STATUS_OK : STATUS_BAD_INPUT;
}

int step(void) {
  if (in_phase[0] != phase[0] || in_columns[0] < 1 || in_columns[0] > COLUMNS) return STATUS_BAD_INPUT;
  if (width && in_columns[0] != width) return STATUS_BAD_INPUT;
  width = in_columns[0];
  total_rows += in_rows[0];
  for (int j = 0; j < width; j++) {
    pair_add(&total[j], &total_low[j], sum[j]);
    total_low[j] += sum_low[j];
    if (low[j] < lowest[j]) lowest[j] = low[j];
    if (high[j] > highest[j]) highest[j] = high[j];
    for (int k = 0; k < BINS; k++) total_counts[j * BINS + k] += counts[j * BINS + k];
  }
  return STATUS_OK;
}
