/* The last column of a row is 0 or 1. Gradient, Hessian (lower triangle) and loss of the logarithmic likelihood for the
   weights of this round; weight `d` is the constant. */
int run(void) {
  int r = rows[0], c = columns[0], d = c - 1;
  if (!shard_fits() || d < 1 || c > COLUMNS || phase[0] < 0) return STATUS_BAD_INPUT;
  clear_partial(c);
  for (int i = 0; i < r; i++) {
    const double *row = x + i * c;
    double y = row[d], z = weights[d], features[COLUMNS];
    if (y != 0 && y != 1) return STATUS_BAD_INPUT;
    for (int j = 0; j < d; j++) features[j] = row[j], z += row[j] * weights[j];
    features[d] = 1;
    if (z != z) return STATUS_NAN;
    double e = exp_negative(z < 0 ? z : -z), p = (z < 0 ? e : 1) / (1 + e);
    double curve = e / ((1 + e) * (1 + e));
    for (int j = 0; j < c; j++) {
      pair_add(&sum[j], &sum_low[j], (p - y) * features[j]);
      for (int k = 0; k <= j; k++) {
        int at = COLUMNS + j * COLUMNS + k;
        pair_add(&sum[at], &sum_low[at], curve * features[j] * features[k]);
      }
    }
    pair_add(&sum[PAIRS - 1], &sum_low[PAIRS - 1], log1p_unit(e) + ((z > 0) - y) * z);
  }
  return partial_status();
}
