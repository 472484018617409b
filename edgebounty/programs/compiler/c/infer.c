static const float *const weights[WEIGHTS] = WEIGHT_LIST(, );
static const int sizes[WEIGHTS] = WEIGHT_SIZES;

/* `step()` (captured, above) turns batch_x into the class probabilities batch_p. Rows beyond `rows` give zeros. */
int run(void) {
  int n = rows[0];
  if (n < 0 || n > ROWS) return STATUS_BAD_INPUT;
  if (f32_odd(x, n * INPUTS)) return STATUS_NAN; /* a rectifier would hide it */
  for (int w = 0; w < WEIGHTS; w++) if (f32_odd(weights[w], sizes[w])) return STATUS_NAN;
  for (int first = 0; first < n; first += BATCH) {
    int count = n - first < BATCH ? n - first : BATCH;
    memcpy(batch_x, x + first * INPUTS, count * INPUTS * sizeof(float));
    memset(batch_x + count * INPUTS, 0, (BATCH - count) * INPUTS * sizeof(float));
    step();
    memcpy(probabilities + first * CLASSES, batch_p, count * CLASSES * sizeof(float));
  }
  memset(probabilities + n * CLASSES, 0, (ROWS - n) * CLASSES * sizeof(float));
  out_rows[0] = n;
  return f32_nan(probabilities, ROWS * CLASSES) ? STATUS_NAN : STATUS_OK;
}
