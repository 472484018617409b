/* How often each byte stands in a shard of text.
   edgebounty program build bytes.c --input rows:i32 --input text:u8[65536] --gives counts:i64[256] -o bytes.wasm */
int run(void) {
  if (rows[0] < 0 || rows[0] > 65536) return STATUS_BAD_INPUT;
  memset(counts, 0, sizeof counts);
  for (int i = 0; i < rows[0]; i++) counts[text[i]]++;
  return STATUS_OK;
}
