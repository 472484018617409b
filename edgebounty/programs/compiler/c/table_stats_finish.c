/* (high + low) / n as a pair: the quotient, then the rest of the division, both exact enough for 106 bits. */
static void divide(double high, double low, double n, double *quotient, double *rest) {
  double sum = high + low, tail = low - (sum - high), q = sum / n;
  /* q * n = product + error, by Dekker's split (no fused multiply-add in WebAssembly) */
  double product = q * n, a = q * 134217729.0, qh = a - (a - q), ql = q - qh;
  double b = n * 134217729.0, nh = b - (b - n), nl = n - nh;
  double error = ((qh * nh - product) + qh * nl + ql * nh) + ql * nl;
  *quotient = q;
  *rest = a - a == 0 ? ((sum - product) - error + tail) / n : 0; /* a overflowed: leave the rest out */
}

int finish(void) {
  double n = (double)total_rows;
  if (total_rows < 1) return STATUS_BAD_INPUT; /* statistics of no rows */
  if (phase[0] == 1 && (width != columns[0] || total_rows != rows[0])) return STATUS_BAD_INPUT;
  out_phase[0] = phase[0] + 1; out_columns[0] = width; out_rows[0] = total_rows;
  for (int j = 0; j < width; j++) {
    if (phase[0] == 0) {
      divide(total[j], total_low[j], n, &out_mean[j], &out_mean_low[j]);
      out_minimum[j] = lowest[j]; out_maximum[j] = highest[j];
    } else {
      double rest;
      out_mean[j] = mean[j]; out_mean_low[j] = mean_low[j];
      out_minimum[j] = minimum[j]; out_maximum[j] = maximum[j];
      divide(total[j], total_low[j], n, &out_variance[j], &rest);
      for (int k = 0; k < BINS; k++) out_histogram[j * BINS + k] = total_counts[j * BINS + k];
    }
  }
  return f64_nan(out_mean, width) || f64_nan(out_mean_low, width) || f64_nan(out_variance, width) ? STATUS_NAN : STATUS_OK;
}
