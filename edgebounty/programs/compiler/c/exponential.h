/* exp for x <= 0, right to about one unit in the last place: x = k ln 2 + r, Taylor's series for |r| <= ln 2 / 2. */
static double exp_negative(double v) {
  if (v < -708) return 0;
  double k = (double)(long long)(v * 1.4426950408889634 - 0.5);
  double r = (v - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10, s = 1;
  for (int i = 17; i > 0; i--) s = 1 + s * r / i;
  union { unsigned long long bits; double number; } power = {(unsigned long long)((long long)k + 1023) << 52};
  return s * power.number;
}
/* log(1 + v) for 0 <= v <= 1: twice the area tangent of v / (2 + v). */
static double log1p_unit(double v) {
  double s = v / (2 + v), square = s * s, total = 0;
  for (int i = 39; i > 0; i -= 2) total = total * square + 1.0 / i;
  return 2 * s * total;
}
