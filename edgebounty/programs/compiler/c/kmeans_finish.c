/* A centre that no row chose stays where it is. `inertia` and `count` belong to the centres before this move. */
int finish(void) {
  int k = clusters[0];
  if (total_rows < 1 || k < 1 || width < 1 || k > CELLS_OUT / width) return STATUS_BAD_INPUT;
  out_phase[0] = phase[0] + 1;
  memcpy(out_count, total_counts, sizeof total_counts);
  for (int m = 0; m < k; m++)
    for (int j = 0; j < width; j++) {
      int at = m * width + j;
      out_centre[at] = total_counts[m] ? (total[at] + total_low[at]) / (double)total_counts[m] : centre[at];
    }
  out_inertia[0] = total[PAIRS - 1] + total_low[PAIRS - 1];
  return f64_nan(out_centre, CELLS_OUT) || out_inertia[0] != out_inertia[0] ? STATUS_NAN : STATUS_OK;
}
