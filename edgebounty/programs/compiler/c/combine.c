/* A node inside a tree of reduces: what it folded goes up as one partial result. */
int finish(void) {
  out_phase[0] = phase[0];
  out_columns[0] = width;
  out_rows[0] = total_rows;
  memcpy(out_sum, total, sizeof total);
  memcpy(out_sum_low, total_low, sizeof total_low);
  memcpy(out_low, lowest, sizeof lowest);
  memcpy(out_high, highest, sizeof highest);
  memcpy(out_counts, total_counts, sizeof total_counts);
  return f64_nan(out_sum, PAIRS) || f64_nan(out_sum_low, PAIRS) ? STATUS_NAN : STATUS_OK;
}
