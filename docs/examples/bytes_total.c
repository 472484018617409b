/* Adds the counts of all tasks up.
   edgebounty program build bytes_total.c --reduces bytes.wasm --gives total:i64[256] -o bytes_total.wasm */
int start(void) {
  memset(total, 0, sizeof total);
  return STATUS_OK;
}
int step(void) {
  for (int i = 0; i < 256; i++) total[i] += counts[i];
  return STATUS_OK;
}
int finish(void) { return STATUS_OK; }
