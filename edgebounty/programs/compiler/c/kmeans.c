/* Lloyd's algorithm: each row counts for the nearest centre, the first of equals. The last pair is the inertia. */
int run(void) {
  int r = rows[0], c = columns[0], k = clusters[0];
  if (!shard_fits() || k < 1 || k > CELLS_OUT / c || phase[0] < 0) return STATUS_BAD_INPUT;
  clear_partial(c);
  for (int i = 0; i < r; i++) {
    const double *row = x + i * c;
    double nearest = __builtin_inf();
    int found = -1;
    for (int m = 0; m < k; m++) {
      double distance = 0;
      for (int j = 0; j < c; j++) {
        double d = row[j] - centre[m * c + j];
        distance += d * d;
      }
      if (distance < nearest) nearest = distance, found = m;
    }
    if (found < 0) return STATUS_NAN;
    counts[found]++;
    for (int j = 0; j < c; j++) pair_add(&sum[found * c + j], &sum_low[found * c + j], row[j]);
    pair_add(&sum[PAIRS - 1], &sum_low[PAIRS - 1], nearest);
  }
  return partial_status();
}
