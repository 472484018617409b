/* Sums are kept as unevaluated pairs (high + low, Knuth's TwoSum): about 106 bits, so the order of shards
   hardly matters and the mean is right to the last bit but rarely. A value that is not finite makes `low` NaN. */
static inline void pair_add(double *high, double *low, double value) {
  double sum = *high + value, part = sum - *high;
  *low += (*high - (sum - part)) + (value - part);
  *high = sum;
}

/* Round 0: sum, minimum, maximum. No branches inside, so that the compiler may take two columns at a time. */
static int first_round(int r, int c) {
  for (int i = 0; i < r; i++) {
    const double *row = x + i * c;
    for (int j = 0; j < c; j++) {
      double v = row[j];
      pair_add(&sum[j], &sum_low[j], v);
      low[j] = v < low[j] ? v : low[j];
      high[j] = v > high[j] ? v : high[j];
    }
  }
  return STATUS_OK;
}

/* The bin of a value, by the very steps of numpy.histogram with BINS equal bins from `first` to `last`. */
static inline double edge(int k, double first, double last, double width) { return k == BINS ? last : k * width + first; }
static inline int bin_of(double value, double first, double last, double width) {
  int k = (int)((value - first) / (last - first) * BINS);
  if (k >= BINS) k = BINS - 1;
  if (value < edge(k, first, last, width)) k--;
  else if (k != BINS - 1 && value >= edge(k + 1, first, last, width)) k++;
  return k < 0 ? 0 : k;
}

/* Round 1: squared deviations from the mean of the whole table, and the histogram from its minimum to its maximum. */
static int second_round(int r, int c) {
  static double from[COLUMNS], to[COLUMNS], width[COLUMNS];
  for (int j = 0; j < c; j++) {
    int flat = minimum[j] == maximum[j];
    from[j] = flat ? minimum[j] - 0.5 : minimum[j];
    to[j] = flat ? maximum[j] + 0.5 : maximum[j];
    width[j] = (to[j] - from[j]) / BINS;
  }
  for (int i = 0; i < r; i++) {
    const double *row = x + i * c;
    for (int j = 0; j < c; j++) {
      double d = (row[j] - mean[j]) - mean_low[j];
      pair_add(&sum[j], &sum_low[j], d * d);
    }
    for (int j = 0; j < c; j++) {
      double v = row[j];
      if (!(v >= minimum[j] && v <= maximum[j])) return STATUS_BAD_INPUT; /* not the table that round 0 saw */
      counts[j * BINS + bin_of(v, from[j], to[j], width[j])]++;
    }
  }
  return STATUS_OK;
}

/* `x` is row-major, `columns` values a row. */
int run(void) {
  int r = rows[0], c = columns[0];
  if (r < 0 || c < 1 || c > COLUMNS || r > CELLS / c || phase[0] < 0 || phase[0] > 1) return STATUS_BAD_INPUT;
  if (phase[0] && c != state_columns[0]) return STATUS_BAD_INPUT;
  out_phase[0] = phase[0];
  out_columns[0] = c;
  out_rows[0] = r;
  for (int j = 0; j < COLUMNS; j++) {
    sum[j] = sum_low[j] = 0;
    low[j] = __builtin_inf();
    high[j] = -__builtin_inf();
  }
  memset(counts, 0, sizeof counts);
  int status = phase[0] ? second_round(r, c) : first_round(r, c);
  if (status) return status;
  return f64_nan(sum, COLUMNS) || f64_nan(sum_low, COLUMNS) ? STATUS_NAN : STATUS_OK;
}
