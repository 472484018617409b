/* mlp-13-32-3.infer: a program, made by edgebounty.programs.compiler */
#define ROWS 128
#define BATCH 32
#define INPUTS 13
#define CLASSES 3
#define WEIGHTS 4
/* state */
float w1[416] __attribute__((aligned(16)));
float b1[32] __attribute__((aligned(16)));
float w2[96] __attribute__((aligned(16)));
float b2[3] __attribute__((aligned(16)));
/* shard */
int rows[1] __attribute__((aligned(16)));
float x[1664] __attribute__((aligned(16)));
/* output */
int out_rows[1] __attribute__((aligned(16)));
float probabilities[384] __attribute__((aligned(16)));
typedef __SIZE_TYPE__ size_t;

/* The compiler may turn loops into calls of these two. */
void *memcpy(void *restrict to, const void *restrict from, size_t n) {
  unsigned char *a = to;
  const unsigned char *b = from;
  for (size_t i = 0; i < n; i++) a[i] = b[i];
  return to;
}
void *memset(void *to, int value, size_t n) {
  unsigned char *a = to;
  for (size_t i = 0; i < n; i++) a[i] = (unsigned char)value;
  return to;
}

#define STATUS_OK 0
#define STATUS_NAN 1
#define STATUS_BAD_INPUT 2

/* Is any of them NaN? */
static int f32_nan(const float *v, int n) {
  int bad = 0;
  for (int i = 0; i < n; i++) bad |= v[i] != v[i];
  return bad;
}
static int f64_nan(const double *v, int n) {
  int bad = 0;
  for (int i = 0; i < n; i++) bad |= v[i] != v[i];
  return bad;
}
/* Is any of them NaN or infinite? */
static int f32_odd(const float *v, int n) {
  int bad = 0;
  for (int i = 0; i < n; i++) bad |= v[i] - v[i] != 0;
  return bad;
}

static float batch_x[416] __attribute__((aligned(64)));
static float batch_p[96] __attribute__((aligned(64)));
typedef float float4 __attribute__((aligned(16),ext_vector_type(4)));
static char t0[4608] __attribute__((aligned(64)));
static __attribute__((noinline)) void k0_r_32_8_4_13(float* restrict data0_1024, float* restrict data1_416, float* restrict data2_416, float* restrict data3_32) {
  for (int Lidx1 = 0; Lidx1 < 32; Lidx1++) {
    int alu0 = (Lidx1*13);
    float val0 = (*(data1_416+(alu0+1)));
    float val1 = (*(data1_416+(alu0+2)));
    float val2 = (*(data1_416+(alu0+3)));
    float val3 = (*(data1_416+(alu0+4)));
    float val4 = (*(data1_416+(alu0+5)));
    float val5 = (*(data1_416+(alu0+6)));
    float val6 = (*(data1_416+(alu0+7)));
    float val7 = (*(data1_416+(alu0+8)));
    float val8 = (*(data1_416+(alu0+9)));
    float val9 = (*(data1_416+(alu0+10)));
    float val10 = (*(data1_416+(alu0+11)));
    float val11 = (*(data1_416+(alu0+12)));
    float val12 = (*(data1_416+alu0));
    for (int Lidx2 = 0; Lidx2 < 8; Lidx2++) {
      int alu1 = (Lidx2<<2);
      float4 val13 = (*((float4*)((data2_416+(alu1+32)))));
      float4 val14 = (*((float4*)((data2_416+(alu1+64)))));
      float4 val15 = (*((float4*)((data2_416+(alu1+96)))));
      float4 val16 = (*((float4*)((data2_416+(alu1+128)))));
      float4 val17 = (*((float4*)((data2_416+(alu1+160)))));
      float4 val18 = (*((float4*)((data2_416+(alu1+192)))));
      float4 val19 = (*((float4*)((data2_416+(alu1+224)))));
      float4 val20 = (*((float4*)((data2_416+(alu1+256)))));
      float4 val21 = (*((float4*)((data2_416+(alu1+288)))));
      float4 val22 = (*((float4*)((data2_416+(alu1+320)))));
      float4 val23 = (*((float4*)((data2_416+(alu1+352)))));
      float4 val24 = (*((float4*)((data2_416+(alu1+384)))));
      float4 val25 = (*((float4*)((data2_416+alu1))));
      float4 val26 = (*((float4*)((data3_32+alu1))));
      float alu2 = ((val12*val25[0])+(val0*val13[0])+(val1*val14[0])+(val2*val15[0])+(val3*val16[0])+(val4*val17[0])+(val5*val18[0])+(val6*val19[0])+(val7*val20[0])+(val8*val21[0])+(val9*val22[0])+(val10*val23[0])+(val11*val24[0])+val26[0]);
      float alu3 = ((val12*val25[1])+(val0*val13[1])+(val1*val14[1])+(val2*val15[1])+(val3*val16[1])+(val4*val17[1])+(val5*val18[1])+(val6*val19[1])+(val7*val20[1])+(val8*val21[1])+(val9*val22[1])+(val10*val23[1])+(val11*val24[1])+val26[1]);
      float alu4 = ((val12*val25[2])+(val0*val13[2])+(val1*val14[2])+(val2*val15[2])+(val3*val16[2])+(val4*val17[2])+(val5*val18[2])+(val6*val19[2])+(val7*val20[2])+(val8*val21[2])+(val9*val22[2])+(val10*val23[2])+(val11*val24[2])+val26[2]);
      float alu5 = ((val12*val25[3])+(val0*val13[3])+(val1*val14[3])+(val2*val15[3])+(val3*val16[3])+(val4*val17[3])+(val5*val18[3])+(val6*val19[3])+(val7*val20[3])+(val8*val21[3])+(val9*val22[3])+(val10*val23[3])+(val11*val24[3])+val26[3]);
      float alu6 = ((0.0f<alu2)?alu2:0.0f);
      float alu7 = ((0.0f<alu3)?alu3:0.0f);
      float alu8 = ((0.0f<alu4)?alu4:0.0f);
      float alu9 = ((0.0f<alu5)?alu5:0.0f);
      *((float4*)((data0_1024+((Lidx1<<5)+alu1)))) = (float4){alu6,alu7,alu8,alu9};
    }
  }
}
static __attribute__((noinline)) void k1_r_32_3_32(float* restrict data0_96, float* restrict data1_1024, float* restrict data2_96, float* restrict data3_3) {
  for (int Lidx1 = 0; Lidx1 < 32; Lidx1++) {
    int alu0 = (Lidx1<<5);
    float4 val0 = (*((float4*)((data1_1024+(alu0+4)))));
    float4 val1 = (*((float4*)((data1_1024+(alu0+8)))));
    float4 val2 = (*((float4*)((data1_1024+(alu0+12)))));
    float4 val3 = (*((float4*)((data1_1024+(alu0+16)))));
    float4 val4 = (*((float4*)((data1_1024+(alu0+20)))));
    float4 val5 = (*((float4*)((data1_1024+(alu0+24)))));
    float4 val6 = (*((float4*)((data1_1024+(alu0+28)))));
    float4 val7 = (*((float4*)((data1_1024+alu0))));
    for (int Lidx2 = 0; Lidx2 < 3; Lidx2++) {
      float val8 = (*(data2_96+(Lidx2+3)));
      float val9 = (*(data2_96+(Lidx2+6)));
      float val10 = (*(data2_96+(Lidx2+9)));
      float val11 = (*(data2_96+(Lidx2+12)));
      float val12 = (*(data2_96+(Lidx2+15)));
      float val13 = (*(data2_96+(Lidx2+18)));
      float val14 = (*(data2_96+(Lidx2+21)));
      float val15 = (*(data2_96+(Lidx2+24)));
      float val16 = (*(data2_96+(Lidx2+27)));
      float val17 = (*(data2_96+(Lidx2+30)));
      float val18 = (*(data2_96+(Lidx2+33)));
      float val19 = (*(data2_96+(Lidx2+36)));
      float val20 = (*(data2_96+(Lidx2+39)));
      float val21 = (*(data2_96+(Lidx2+42)));
      float val22 = (*(data2_96+(Lidx2+45)));
      float val23 = (*(data2_96+(Lidx2+48)));
      float val24 = (*(data2_96+(Lidx2+51)));
      float val25 = (*(data2_96+(Lidx2+54)));
      float val26 = (*(data2_96+(Lidx2+57)));
      float val27 = (*(data2_96+(Lidx2+60)));
      float val28 = (*(data2_96+(Lidx2+63)));
      float val29 = (*(data2_96+(Lidx2+66)));
      float val30 = (*(data2_96+(Lidx2+69)));
      float val31 = (*(data2_96+(Lidx2+72)));
      float val32 = (*(data2_96+(Lidx2+75)));
      float val33 = (*(data2_96+(Lidx2+78)));
      float val34 = (*(data2_96+(Lidx2+81)));
      float val35 = (*(data2_96+(Lidx2+84)));
      float val36 = (*(data2_96+(Lidx2+87)));
      float val37 = (*(data2_96+(Lidx2+90)));
      float val38 = (*(data2_96+(Lidx2+93)));
      float val39 = (*(data2_96+Lidx2));
      float val40 = (*(data3_3+Lidx2));
      *(data0_96+((Lidx1*3)+Lidx2)) = ((val7[0]*val39)+(val7[1]*val8)+(val7[2]*val9)+(val7[3]*val10)+(val0[0]*val11)+(val0[1]*val12)+(val0[2]*val13)+(val0[3]*val14)+(val1[0]*val15)+(val1[1]*val16)+(val1[2]*val17)+(val1[3]*val18)+(val2[0]*val19)+(val2[1]*val20)+(val2[2]*val21)+(val2[3]*val22)+(val3[0]*val23)+(val3[1]*val24)+(val3[2]*val25)+(val3[3]*val26)+(val4[0]*val27)+(val4[1]*val28)+(val4[2]*val29)+(val4[3]*val30)+(val5[0]*val31)+(val5[1]*val32)+(val5[2]*val33)+(val5[3]*val34)+(val6[0]*val35)+(val6[1]*val36)+(val6[2]*val37)+(val6[3]*val38)+val40);
    }
  }
}
static __attribute__((noinline)) void k2_r_32_3(float* restrict data0_32, float* restrict data1_96) {
  for (int Lidx1 = 0; Lidx1 < 32; Lidx1++) {
    int alu0 = (Lidx1*3);
    float val0 = (*(data1_96+(alu0+1)));
    float val1 = (*(data1_96+(alu0+2)));
    float val2 = (*(data1_96+alu0));
    float alu1 = ((val2<val0)?val0:val2);
    float alu2 = ((alu1<val1)?val1:alu1);
    *(data0_32+Lidx1) = alu2;
  }
}
static __attribute__((noinline)) void k3_r_32_3(float* restrict data0_32, float* restrict data1_96, float* restrict data2_32) {
  for (int Lidx1 = 0; Lidx1 < 32; Lidx1++) {
    int alu0 = (Lidx1*3);
    float val0 = (*(data1_96+(alu0+1)));
    float val1 = (*(data1_96+(alu0+2)));
    float val2 = (*(data1_96+alu0));
    float val3 = (*(data2_32+Lidx1));
    float alu1 = ((val0-val3)*1.4426950216293335f);
    _Bool alu2 = (alu1!=alu1);
    float alu3 = ((alu1!=((float)(-__builtin_inff())))?alu1:0.0f);
    float alu4 = (alu2?0.0f:alu3);
    float alu5 = ((alu1!=((float)(__builtin_inff())))?alu4:0.0f);
    float alu6 = ((alu5<0.0f)?-0.5f:0.5f);
    int cast0 = ((int)((alu5+alu6)));
    float alu7 = ((val1-val3)*1.4426950216293335f);
    _Bool alu8 = (alu7!=alu7);
    float alu9 = ((alu7!=((float)(-__builtin_inff())))?alu7:0.0f);
    float alu10 = (alu8?0.0f:alu9);
    float alu11 = ((alu7!=((float)(__builtin_inff())))?alu10:0.0f);
    float alu12 = ((alu11<0.0f)?-0.5f:0.5f);
    int cast1 = ((int)((alu11+alu12)));
    float alu13 = ((val2-val3)*1.4426950216293335f);
    _Bool alu14 = (alu13!=alu13);
    float alu15 = ((alu13!=((float)(-__builtin_inff())))?alu13:0.0f);
    float alu16 = (alu14?0.0f:alu15);
    float alu17 = ((alu13!=((float)(__builtin_inff())))?alu16:0.0f);
    float alu18 = ((alu17<0.0f)?-0.5f:0.5f);
    int cast2 = ((int)((alu17+alu18)));
    int alu19 = (cast0>>1);
    int alu20 = (cast1>>1);
    int alu21 = (cast2>>1);
    float alu22 = (alu5-((float)(cast0)));
    float alu23 = (alu11-((float)(cast1)));
    float alu24 = (alu17-((float)(cast2)));
    float alu25 = (((alu1<128.0f)!=1)?((float)(__builtin_inff())):(((((((((((((0.00015359208919107914f*alu22)+0.0013392627006396651f)*alu22)+0.009618384763598442f)*alu22)+0.055503472685813904f)*alu22)+0.24022644758224487f)*alu22)+0.6931471824645996f)*alu22)+1.0f)*__builtin_bit_cast(float, (int)(((alu19+127)<<23)))*__builtin_bit_cast(float, (int)((((cast0-alu19)+127)<<23)))));
    float alu26 = ((alu1<-150.0f)?0.0f:alu25);
    float alu27 = (((alu13<128.0f)!=1)?((float)(__builtin_inff())):(((((((((((((0.00015359208919107914f*alu24)+0.0013392627006396651f)*alu24)+0.009618384763598442f)*alu24)+0.055503472685813904f)*alu24)+0.24022644758224487f)*alu24)+0.6931471824645996f)*alu24)+1.0f)*__builtin_bit_cast(float, (int)(((alu21+127)<<23)))*__builtin_bit_cast(float, (int)((((cast2-alu21)+127)<<23)))));
    float alu28 = ((alu13<-150.0f)?0.0f:alu27);
    float alu29 = (alu2?((float)(__builtin_nanf(""))):alu26);
    float alu30 = (alu14?((float)(__builtin_nanf(""))):alu28);
    float alu31 = (((alu7<128.0f)!=1)?((float)(__builtin_inff())):(((((((((((((0.00015359208919107914f*alu23)+0.0013392627006396651f)*alu23)+0.009618384763598442f)*alu23)+0.055503472685813904f)*alu23)+0.24022644758224487f)*alu23)+0.6931471824645996f)*alu23)+1.0f)*__builtin_bit_cast(float, (int)(((alu20+127)<<23)))*__builtin_bit_cast(float, (int)((((cast1-alu20)+127)<<23)))));
    float alu32 = ((alu7<-150.0f)?0.0f:alu31);
    float alu33 = (alu8?((float)(__builtin_nanf(""))):alu32);
    *(data0_32+Lidx1) = (alu30+alu29+alu33);
  }
}
static __attribute__((noinline)) void k4_E_32_3(float* restrict data0_96, float* restrict data1_96, float* restrict data2_32, float* restrict data3_32) {
  for (int Lidx0 = 0; Lidx0 < 32; Lidx0++) {
    float val0 = (*(data2_32+Lidx0));
    float val1 = (*(data3_32+Lidx0));
    for (int Lidx1 = 0; Lidx1 < 3; Lidx1++) {
      int alu0 = ((Lidx0*3)+Lidx1);
      float val2 = (*(data1_96+alu0));
      float alu1 = ((val2-val0)*1.4426950216293335f);
      _Bool alu2 = (alu1!=alu1);
      float alu3 = ((alu1!=((float)(-__builtin_inff())))?alu1:0.0f);
      float alu4 = (alu2?0.0f:alu3);
      float alu5 = ((alu1!=((float)(__builtin_inff())))?alu4:0.0f);
      float alu6 = ((alu5<0.0f)?-0.5f:0.5f);
      int cast0 = ((int)((alu5+alu6)));
      int alu7 = (cast0>>1);
      float alu8 = (alu5-((float)(cast0)));
      float alu9 = (((alu1<128.0f)!=1)?((float)(__builtin_inff())):(((((((((((((0.00015359208919107914f*alu8)+0.0013392627006396651f)*alu8)+0.009618384763598442f)*alu8)+0.055503472685813904f)*alu8)+0.24022644758224487f)*alu8)+0.6931471824645996f)*alu8)+1.0f)*__builtin_bit_cast(float, (int)(((alu7+127)<<23)))*__builtin_bit_cast(float, (int)((((cast0-alu7)+127)<<23)))));
      float alu10 = ((alu1<-150.0f)?0.0f:alu9);
      float alu11 = (alu2?((float)(__builtin_nanf(""))):alu10);
      *(data0_96+alu0) = (alu11/val1);
    }
  }
}
static void step(void) {
  k0_r_32_8_4_13((void *)(t0 + 0), (void *)batch_x, (void *)((char *)w1 + 0), (void *)((char *)b1 + 0));
  k1_r_32_3_32((void *)(t0 + 4096), (void *)(t0 + 0), (void *)((char *)w2 + 0), (void *)((char *)b2 + 0));
  k2_r_32_3((void *)(t0 + 0), (void *)(t0 + 4096));
  k3_r_32_3((void *)(t0 + 256), (void *)(t0 + 4096), (void *)(t0 + 0));
  k4_E_32_3((void *)((char *)batch_p + 0), (void *)(t0 + 4096), (void *)(t0 + 0), (void *)(t0 + 256));
}

#define WEIGHT_LIST(before, after) {before##w1##after, before##b1##after, before##w2##after, before##b2##after}
#define WEIGHT_SIZES {416, 32, 96, 3}
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
