/* A group without rows has count 0 and zeros. */
int finish(void) {
  int v = width - 1, g = groups[0];
  if (total_rows < 1 || v < 1 || g < 1 || g > CELLS_OUT / v || phase[0] > 1) return STATUS_BAD_INPUT;
  if (phase[0] && (width != columns[0] || total_rows != rows[0])) return STATUS_BAD_INPUT;
  out_phase[0] = phase[0] + 1;
  out_columns[0] = width;
  out_rows[0] = total_rows;
  memcpy(out_count, total_counts, sizeof total_counts);
  if (phase[0]) {
    memcpy(out_mean, mean, sizeof mean);
    memcpy(out_mean_low, mean_low, sizeof mean_low);
    memcpy(out_sum_of, sum_of, sizeof sum_of);
    memcpy(out_minimum, minimum, sizeof minimum);
    memcpy(out_maximum, maximum, sizeof maximum);
  }
  for (int k = 0; k < g; k++) {
    if (!total_counts[k]) continue;
    double n = (double)total_counts[k], rest;
    for (int j = 0; j < v; j++) {
      int at = k * v + j;
      if (phase[0]) {
        pair_divide(total[at], total_low[at], n, &out_variance[at], &rest);
        continue;
      }
      pair_divide(total[at], total_low[at], n, &out_mean[at], &out_mean_low[at]);
      out_sum_of[at] = total[at] + total_low[at];
      out_minimum[at] = lowest[at];
      out_maximum[at] = highest[at];
    }
  }
  return f64_nan(out_mean, CELLS_OUT) || f64_nan(out_variance, CELLS_OUT) ? STATUS_NAN : STATUS_OK;
}
