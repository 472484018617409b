/* `rank[s]` values with the known prefix lie below the one looked for. */
int finish(void) {
  int n = slots[0], round = phase[0];
  if (total_rows < 1 || n < 1 || n > SLOTS || bits_of(round) < 1) return STATUS_BAD_INPUT;
  int next = bits_of(round);
  out_phase[0] = round + 1;
  out_slots[0] = n;
  memcpy(out_column_of, column_of, sizeof column_of);
  for (int s = 0; s < n; s++) {
    long long before = 0;
    int bin = 0;
    while (bin < 1 << next && before + total_counts[s * BINS + bin] <= rank[s]) before += total_counts[s * BINS + bin++];
    if (rank[s] < 0 || bin >= 1 << next) return STATUS_BAD_INPUT; /* fewer rows than the rank asks for */
    out_rank[s] = rank[s] - before;
    out_prefix[s] = (long long)((unsigned long long)prefix[s] << next | (unsigned long long)bin);
  }
  return STATUS_OK;
}
