/* Round 0: sums. Round 1: products of the deviations from the mean of the whole table, lower triangle. */
int run(void) {
  int r = rows[0], c = columns[0], second = phase[0];
  if (!shard_fits() || c > COLUMNS || second < 0 || second > 1) return STATUS_BAD_INPUT;
  if (second && c != state_columns[0]) return STATUS_BAD_INPUT;
  clear_partial(c);
  for (int i = 0; i < r; i++) {
    const double *row = x + i * c;
    if (!second) {
      for (int j = 0; j < c; j++) pair_add(&sum[j], &sum_low[j], row[j]);
      continue;
    }
    double d[COLUMNS];
    for (int j = 0; j < c; j++) d[j] = (row[j] - mean[j]) - mean_low[j];
    for (int j = 0; j < c; j++)
      for (int k = 0; k <= j; k++) pair_add(&sum[j * COLUMNS + k], &sum_low[j * COLUMNS + k], d[j] * d[k]);
  }
  return partial_status();
}
