/* The first column of a row is the number of its group. Round 0: sum, ends and count of each column in each group;
   round 1: squared deviations from the group's mean. */
int run(void) {
  int r = rows[0], c = columns[0], second = phase[0], v = c - 1, g = groups[0];
  if (!shard_fits() || v < 1 || g < 1 || g > CELLS_OUT / v || second < 0 || second > 1) return STATUS_BAD_INPUT;
  if (second && c != state_columns[0]) return STATUS_BAD_INPUT;
  clear_partial(c);
  for (int i = 0; i < r; i++) {
    const double *row = x + i * c;
    if (!(row[0] >= 0 && row[0] < g) || row[0] != (int)row[0]) return STATUS_BAD_INPUT;
    int group = (int)row[0];
    counts[group]++;
    for (int j = 0; j < v; j++) {
      int at = group * v + j;
      double value = row[1 + j];
      if (second) {
        double d = (value - mean[at]) - mean_low[at];
        pair_add(&sum[at], &sum_low[at], d * d);
      } else {
        pair_add(&sum[at], &sum_low[at], value);
        low[at] = value < low[at] ? value : low[at];
        high[at] = value > high[at] ? value : high[at];
      }
    }
  }
  return partial_status();
}
