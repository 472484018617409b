/* What every program over a table leaves: sums as pairs, ends, counts. The rest of the file fills them. */
static void clear_partial(int c) {
  out_phase[0] = phase[0];
  out_columns[0] = c;
  out_rows[0] = rows[0];
  memset(sum, 0, sizeof sum);
  memset(sum_low, 0, sizeof sum_low);
  memset(counts, 0, sizeof counts);
  for (int i = 0; i < ENDS; i++) {
    low[i] = __builtin_inf();
    high[i] = -__builtin_inf();
  }
}
static int partial_status(void) { return f64_nan(sum, PAIRS) || f64_nan(sum_low, PAIRS) ? STATUS_NAN : STATUS_OK; }
static int shard_fits(void) { return rows[0] >= 0 && columns[0] >= 1 && rows[0] <= CELLS / columns[0]; }
