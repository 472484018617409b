int finish(void) {
  if (total_rows < 1 || width > COLUMNS || phase[0] > 1) return STATUS_BAD_INPUT;
  if (phase[0] && (width != columns[0] || total_rows != rows[0])) return STATUS_BAD_INPUT;
  out_phase[0] = phase[0] + 1;
  out_columns[0] = width;
  out_rows[0] = total_rows;
  if (!phase[0]) {
    for (int j = 0; j < width; j++)
      pair_divide(total[j], total_low[j], (double)total_rows, &out_mean[j], &out_mean_low[j]);
  } else {
    memcpy(out_mean, mean, sizeof mean);
    memcpy(out_mean_low, mean_low, sizeof mean_low);
    for (int j = 0; j < width; j++)
      for (int k = 0; k <= j; k++)
        out_product[j * COLUMNS + k] = out_product[k * COLUMNS + j] =
            total[j * COLUMNS + k] + total_low[j * COLUMNS + k];
  }
  return f64_nan(out_mean, COLUMNS) || f64_nan(out_product, COLUMNS * COLUMNS) ? STATUS_NAN : STATUS_OK;
}
