/* A double as an unsigned number in the same order; minus zero counts as zero. */
static inline unsigned long long ordered(double value) {
  union { double number; unsigned long long bits; } u = {value + 0.0};
  return u.bits >> 63 ? ~u.bits : u.bits | 1ULL << 63;
}
/* How many bits rounds 0 to `round` - 1 have fixed, and how many `round` fixes. */
static inline int bits_before(int round) { return round * BITS < 64 ? round * BITS : 64; }
static inline int bits_of(int round) { return bits_before(round + 1) - bits_before(round); }
