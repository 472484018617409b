/* A radix search: each slot looks for one order statistic of one column. `prefix` are the bits that are known of it;
   this round counts, among the values with that prefix, which BITS bits come next. */
int run(void) {
  int r = rows[0], c = columns[0], n = slots[0], round = phase[0];
  if (!shard_fits() || round < 0 || n < 1 || n > SLOTS || bits_of(round) < 1) return STATUS_BAD_INPUT;
  clear_partial(c);
  int known = bits_before(round), next = bits_of(round);
  for (int s = 0; s < n; s++) {
    if (column_of[s] < 0 || column_of[s] >= c) return STATUS_BAD_INPUT;
    unsigned long long wanted = (unsigned long long)prefix[s];
    long long *mine = counts + s * BINS;
    for (int i = 0; i < r; i++) {
      double value = x[i * c + column_of[s]];
      if (value != value) return STATUS_NAN;
      unsigned long long key = ordered(value);
      if (known && key >> (64 - known) != wanted) continue;
      mine[(key << known) >> (64 - next)]++;
    }
  }
  return STATUS_OK;
}
