/* One step of Newton's method with the penalty ridge / 2 |weights|^2 (not on the constant). A step that made the loss
   larger is halved instead, from the best weights so far. */
static double pair(int at) { return total[at] + total_low[at]; }

int finish(void) {
  int c = width, d = c - 1;
  if (total_rows < 1 || d < 1 || c > COLUMNS || !(ridge[0] >= 0)) return STATUS_BAD_INPUT;
  static double h[COLUMNS][COLUMNS], g[COLUMNS];
  double loss = pair(PAIRS - 1);
  for (int j = 0; j < d; j++) loss += 0.5 * ridge[0] * weights[j] * weights[j];
  out_phase[0] = phase[0] + 1;
  out_columns[0] = c;
  if (phase[0] && !(loss <= best_loss[0])) {
    for (int j = 0; j < c; j++) {
      out_best[j] = best[j];
      out_move[j] = move[j] / 2;
      out_weights[j] = best[j] - out_move[j];
    }
    out_best_loss[0] = best_loss[0];
    out_slope[0] = slope[0];
    return STATUS_OK;
  }
  double steepest = 0;
  for (int j = 0; j < c; j++) {
    g[j] = pair(j) + (j < d ? ridge[0] * weights[j] : 0);
    double size = g[j] < 0 ? -g[j] : g[j];
    if (size > steepest) steepest = size;
    for (int k = 0; k <= j; k++) h[j][k] = pair(COLUMNS + j * COLUMNS + k) + (j == k && j < d ? ridge[0] : 0);
  }
  /* h = L D L^T in place, then two triangular solves. */
  for (int j = 0; j < c; j++) {
    for (int k = 0; k < j; k++) h[j][j] -= h[j][k] * h[j][k] * h[k][k];
    if (!(h[j][j] > 0)) return STATUS_BAD_INPUT; /* columns that say the same: the requester is told to raise the ridge */
    for (int i = j + 1; i < c; i++) {
      for (int k = 0; k < j; k++) h[i][j] -= h[i][k] * h[j][k] * h[k][k];
      h[i][j] /= h[j][j];
    }
  }
  for (int j = 0; j < c; j++)
    for (int k = 0; k < j; k++) g[j] -= h[j][k] * g[k];
  for (int j = 0; j < c; j++) g[j] /= h[j][j];
  for (int j = c - 1; j >= 0; j--)
    for (int k = j + 1; k < c; k++) g[j] -= h[k][j] * g[k];
  for (int j = 0; j < c; j++) {
    out_best[j] = weights[j];
    out_move[j] = g[j];
    out_weights[j] = weights[j] - g[j];
  }
  out_best_loss[0] = loss;
  out_slope[0] = steepest;
  return f64_nan(out_weights, COLUMNS) || loss != loss ? STATUS_NAN : STATUS_OK;
}
