/* mlp-13-32-3.train: a program, made by edgebounty.programs.compiler */
#define ROWS 512
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
float x[6656] __attribute__((aligned(16)));
int y[512] __attribute__((aligned(16)));
/* params */
float learning_rate[1] __attribute__((aligned(16)));
int epochs[1] __attribute__((aligned(16)));
/* output */
float d_w1[416] __attribute__((aligned(16)));
float d_b1[32] __attribute__((aligned(16)));
float d_w2[96] __attribute__((aligned(16)));
float d_b2[3] __attribute__((aligned(16)));
int samples[1] __attribute__((aligned(16)));
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

static float now_w1[416] __attribute__((aligned(64)));
static float now_b1[32] __attribute__((aligned(64)));
static float now_w2[96] __attribute__((aligned(64)));
static float now_b2[3] __attribute__((aligned(64)));
static float batch_x[416] __attribute__((aligned(64)));
static int batch_y[32] __attribute__((aligned(64)));
static float batch_mask[32] __attribute__((aligned(64)));
static float batch_count[1] __attribute__((aligned(64)));
typedef float float4 __attribute__((aligned(16),ext_vector_type(4)));
static char t0[9728] __attribute__((aligned(64)));
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
      *((float4*)((data0_1024+((Lidx1<<5)+alu1)))) = (float4){((val12*val25[0])+(val0*val13[0])+(val1*val14[0])+(val2*val15[0])+(val3*val16[0])+(val4*val17[0])+(val5*val18[0])+(val6*val19[0])+(val7*val20[0])+(val8*val21[0])+(val9*val22[0])+(val10*val23[0])+(val11*val24[0])+val26[0]),((val12*val25[1])+(val0*val13[1])+(val1*val14[1])+(val2*val15[1])+(val3*val16[1])+(val4*val17[1])+(val5*val18[1])+(val6*val19[1])+(val7*val20[1])+(val8*val21[1])+(val9*val22[1])+(val10*val23[1])+(val11*val24[1])+val26[1]),((val12*val25[2])+(val0*val13[2])+(val1*val14[2])+(val2*val15[2])+(val3*val16[2])+(val4*val17[2])+(val5*val18[2])+(val6*val19[2])+(val7*val20[2])+(val8*val21[2])+(val9*val22[2])+(val10*val23[2])+(val11*val24[2])+val26[2]),((val12*val25[3])+(val0*val13[3])+(val1*val14[3])+(val2*val15[3])+(val3*val16[3])+(val4*val17[3])+(val5*val18[3])+(val6*val19[3])+(val7*val20[3])+(val8*val21[3])+(val9*val22[3])+(val10*val23[3])+(val11*val24[3])+val26[3])};
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
    float alu1 = ((0.0f<val0[0])?val0[0]:0.0f);
    float alu2 = ((0.0f<val0[1])?val0[1]:0.0f);
    float alu3 = ((0.0f<val0[2])?val0[2]:0.0f);
    float alu4 = ((0.0f<val0[3])?val0[3]:0.0f);
    float alu5 = ((0.0f<val1[0])?val1[0]:0.0f);
    float alu6 = ((0.0f<val1[1])?val1[1]:0.0f);
    float alu7 = ((0.0f<val1[2])?val1[2]:0.0f);
    float alu8 = ((0.0f<val1[3])?val1[3]:0.0f);
    float alu9 = ((0.0f<val2[0])?val2[0]:0.0f);
    float alu10 = ((0.0f<val2[1])?val2[1]:0.0f);
    float alu11 = ((0.0f<val2[2])?val2[2]:0.0f);
    float alu12 = ((0.0f<val2[3])?val2[3]:0.0f);
    float alu13 = ((0.0f<val3[0])?val3[0]:0.0f);
    float alu14 = ((0.0f<val3[1])?val3[1]:0.0f);
    float alu15 = ((0.0f<val3[2])?val3[2]:0.0f);
    float alu16 = ((0.0f<val3[3])?val3[3]:0.0f);
    float alu17 = ((0.0f<val4[0])?val4[0]:0.0f);
    float alu18 = ((0.0f<val4[1])?val4[1]:0.0f);
    float alu19 = ((0.0f<val4[2])?val4[2]:0.0f);
    float alu20 = ((0.0f<val4[3])?val4[3]:0.0f);
    float alu21 = ((0.0f<val5[0])?val5[0]:0.0f);
    float alu22 = ((0.0f<val5[1])?val5[1]:0.0f);
    float alu23 = ((0.0f<val5[2])?val5[2]:0.0f);
    float alu24 = ((0.0f<val5[3])?val5[3]:0.0f);
    float alu25 = ((0.0f<val6[0])?val6[0]:0.0f);
    float alu26 = ((0.0f<val6[1])?val6[1]:0.0f);
    float alu27 = ((0.0f<val6[2])?val6[2]:0.0f);
    float alu28 = ((0.0f<val6[3])?val6[3]:0.0f);
    float alu29 = ((0.0f<val7[0])?val7[0]:0.0f);
    float alu30 = ((0.0f<val7[1])?val7[1]:0.0f);
    float alu31 = ((0.0f<val7[2])?val7[2]:0.0f);
    float alu32 = ((0.0f<val7[3])?val7[3]:0.0f);
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
      *(data0_96+((Lidx1*3)+Lidx2)) = ((alu29*val39)+(alu30*val8)+(alu31*val9)+(alu32*val10)+(alu1*val11)+(alu2*val12)+(alu3*val13)+(alu4*val14)+(alu5*val15)+(alu6*val16)+(alu7*val17)+(alu8*val18)+(alu9*val19)+(alu10*val20)+(alu11*val21)+(alu12*val22)+(alu13*val23)+(alu14*val24)+(alu15*val25)+(alu16*val26)+(alu17*val27)+(alu18*val28)+(alu19*val29)+(alu20*val30)+(alu21*val31)+(alu22*val32)+(alu23*val33)+(alu24*val34)+(alu25*val35)+(alu26*val36)+(alu27*val37)+(alu28*val38)+val40);
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
static __attribute__((noinline)) void k3_r_32_3_3(float* restrict data0_32, float* restrict data1_32, float* restrict data2_1, int* restrict data3_32, float* restrict data4_96, float* restrict data5_32) {
  float val0 = (*(data2_1+0));
  for (int Lidx2 = 0; Lidx2 < 32; Lidx2++) {
    int val1 = (*(data3_32+Lidx2));
    float val2 = (*(data1_32+Lidx2));
    int alu0 = (Lidx2*3);
    float val3 = (*(data4_96+(alu0+1)));
    float val4 = (*(data4_96+(alu0+2)));
    float val5 = (*(data4_96+alu0));
    float val6 = (*(data5_32+Lidx2));
    float alu1 = ((val3-val6)*1.4426950216293335f);
    _Bool alu2 = (alu1!=alu1);
    float alu3 = ((alu1!=((float)(-__builtin_inff())))?alu1:0.0f);
    float alu4 = (alu2?0.0f:alu3);
    float alu5 = ((alu1!=((float)(__builtin_inff())))?alu4:0.0f);
    float alu6 = ((alu5<0.0f)?-0.5f:0.5f);
    int cast0 = ((int)((alu5+alu6)));
    float alu7 = ((val4-val6)*1.4426950216293335f);
    _Bool alu8 = (alu7!=alu7);
    float alu9 = ((alu7!=((float)(-__builtin_inff())))?alu7:0.0f);
    float alu10 = (alu8?0.0f:alu9);
    float alu11 = ((alu7!=((float)(__builtin_inff())))?alu10:0.0f);
    float alu12 = ((alu11<0.0f)?-0.5f:0.5f);
    int cast1 = ((int)((alu11+alu12)));
    float alu13 = ((val5-val6)*1.4426950216293335f);
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
    *(data0_32+Lidx2) = (((((float)((val1==0)))+((float)((val1==1)))+((float)((val1==2))))*(val2/val0))/(alu30+alu29+alu33));
  }
}
static __attribute__((noinline)) void k4_E_32_3(float* restrict data0_96, float* restrict data1_32, float* restrict data2_1, int* restrict data3_32, float* restrict data4_96, float* restrict data5_32, float* restrict data6_32) {
  float val0 = (*(data2_1+0));
  for (int Lidx0 = 0; Lidx0 < 32; Lidx0++) {
    int val1 = (*(data3_32+Lidx0));
    float val2 = (*(data1_32+Lidx0));
    float val3 = (*(data5_32+Lidx0));
    float val4 = (*(data6_32+Lidx0));
    for (int Lidx1 = 0; Lidx1 < 3; Lidx1++) {
      int alu0 = ((Lidx0*3)+Lidx1);
      float val5 = (*(data4_96+alu0));
      float alu1 = ((val5-val3)*1.4426950216293335f);
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
      *(data0_96+alu0) = ((alu11*val4)-((val2/val0)*((float)((val1==Lidx1)))));
    }
  }
}
static __attribute__((noinline)) void k5_r_32_8_4_3(float* restrict data0_1024, float* restrict data1_1024, float* restrict data2_96, float* restrict data3_96) {
  for (int Lidx1 = 0; Lidx1 < 32; Lidx1++) {
    int alu0 = (Lidx1*3);
    float val0 = (*(data3_96+(alu0+1)));
    float val1 = (*(data3_96+(alu0+2)));
    float val2 = (*(data3_96+alu0));
    for (int Lidx2 = 0; Lidx2 < 8; Lidx2++) {
      int alu1 = ((Lidx1<<5)+(Lidx2<<2));
      float4 val3 = (*((float4*)((data1_1024+alu1))));
      int alu2 = (Lidx2*12);
      float4 val4 = (*((float4*)((data2_96+(alu2+4)))));
      float4 val5 = (*((float4*)((data2_96+(alu2+8)))));
      float4 val6 = (*((float4*)((data2_96+alu2))));
      float alu3 = ((0.0f<val3[0])?((val6[0]*val2)+(val6[1]*val0)+(val6[2]*val1)):0.0f);
      float alu4 = ((0.0f<val3[1])?((val6[3]*val2)+(val4[0]*val0)+(val4[1]*val1)):0.0f);
      float alu5 = ((0.0f<val3[2])?((val4[2]*val2)+(val4[3]*val0)+(val5[0]*val1)):0.0f);
      float alu6 = ((0.0f<val3[3])?((val5[1]*val2)+(val5[2]*val0)+(val5[3]*val1)):0.0f);
      *((float4*)((data0_1024+alu1))) = (float4){alu3,alu4,alu5,alu6};
    }
  }
}
static __attribute__((noinline)) void k6_r_32_3_32(float* restrict data0_96, float* restrict data1_96, float* restrict data2_1, float* restrict data3_1024, float* restrict data4_96) {
  float val0 = (*(data2_1+0));
  for (int Lidx1 = 0; Lidx1 < 32; Lidx1++) {
    float val1 = (*(data3_1024+(Lidx1+32)));
    float val2 = (*(data3_1024+(Lidx1+64)));
    float val3 = (*(data3_1024+(Lidx1+96)));
    float val4 = (*(data3_1024+(Lidx1+128)));
    float val5 = (*(data3_1024+(Lidx1+160)));
    float val6 = (*(data3_1024+(Lidx1+192)));
    float val7 = (*(data3_1024+(Lidx1+224)));
    float val8 = (*(data3_1024+(Lidx1+256)));
    float val9 = (*(data3_1024+(Lidx1+288)));
    float val10 = (*(data3_1024+(Lidx1+320)));
    float val11 = (*(data3_1024+(Lidx1+352)));
    float val12 = (*(data3_1024+(Lidx1+384)));
    float val13 = (*(data3_1024+(Lidx1+416)));
    float val14 = (*(data3_1024+(Lidx1+448)));
    float val15 = (*(data3_1024+(Lidx1+480)));
    float val16 = (*(data3_1024+(Lidx1+512)));
    float val17 = (*(data3_1024+(Lidx1+544)));
    float val18 = (*(data3_1024+(Lidx1+576)));
    float val19 = (*(data3_1024+(Lidx1+608)));
    float val20 = (*(data3_1024+(Lidx1+640)));
    float val21 = (*(data3_1024+(Lidx1+672)));
    float val22 = (*(data3_1024+(Lidx1+704)));
    float val23 = (*(data3_1024+(Lidx1+736)));
    float val24 = (*(data3_1024+(Lidx1+768)));
    float val25 = (*(data3_1024+(Lidx1+800)));
    float val26 = (*(data3_1024+(Lidx1+832)));
    float val27 = (*(data3_1024+(Lidx1+864)));
    float val28 = (*(data3_1024+(Lidx1+896)));
    float val29 = (*(data3_1024+(Lidx1+928)));
    float val30 = (*(data3_1024+(Lidx1+960)));
    float val31 = (*(data3_1024+(Lidx1+992)));
    float val32 = (*(data3_1024+Lidx1));
    float alu0 = ((0.0f<val1)?val1:0.0f);
    float alu1 = ((0.0f<val2)?val2:0.0f);
    float alu2 = ((0.0f<val3)?val3:0.0f);
    float alu3 = ((0.0f<val4)?val4:0.0f);
    float alu4 = ((0.0f<val5)?val5:0.0f);
    float alu5 = ((0.0f<val6)?val6:0.0f);
    float alu6 = ((0.0f<val7)?val7:0.0f);
    float alu7 = ((0.0f<val8)?val8:0.0f);
    float alu8 = ((0.0f<val9)?val9:0.0f);
    float alu9 = ((0.0f<val10)?val10:0.0f);
    float alu10 = ((0.0f<val11)?val11:0.0f);
    float alu11 = ((0.0f<val12)?val12:0.0f);
    float alu12 = ((0.0f<val13)?val13:0.0f);
    float alu13 = ((0.0f<val14)?val14:0.0f);
    float alu14 = ((0.0f<val15)?val15:0.0f);
    float alu15 = ((0.0f<val16)?val16:0.0f);
    float alu16 = ((0.0f<val17)?val17:0.0f);
    float alu17 = ((0.0f<val18)?val18:0.0f);
    float alu18 = ((0.0f<val19)?val19:0.0f);
    float alu19 = ((0.0f<val20)?val20:0.0f);
    float alu20 = ((0.0f<val21)?val21:0.0f);
    float alu21 = ((0.0f<val22)?val22:0.0f);
    float alu22 = ((0.0f<val23)?val23:0.0f);
    float alu23 = ((0.0f<val24)?val24:0.0f);
    float alu24 = ((0.0f<val25)?val25:0.0f);
    float alu25 = ((0.0f<val26)?val26:0.0f);
    float alu26 = ((0.0f<val27)?val27:0.0f);
    float alu27 = ((0.0f<val28)?val28:0.0f);
    float alu28 = ((0.0f<val29)?val29:0.0f);
    float alu29 = ((0.0f<val30)?val30:0.0f);
    float alu30 = ((0.0f<val31)?val31:0.0f);
    float alu31 = ((0.0f<val32)?val32:0.0f);
    for (int Lidx2 = 0; Lidx2 < 3; Lidx2++) {
      int alu32 = ((Lidx1*3)+Lidx2);
      float val33 = (*(data1_96+alu32));
      float val34 = (*(data4_96+(Lidx2+3)));
      float val35 = (*(data4_96+(Lidx2+6)));
      float val36 = (*(data4_96+(Lidx2+9)));
      float val37 = (*(data4_96+(Lidx2+12)));
      float val38 = (*(data4_96+(Lidx2+15)));
      float val39 = (*(data4_96+(Lidx2+18)));
      float val40 = (*(data4_96+(Lidx2+21)));
      float val41 = (*(data4_96+(Lidx2+24)));
      float val42 = (*(data4_96+(Lidx2+27)));
      float val43 = (*(data4_96+(Lidx2+30)));
      float val44 = (*(data4_96+(Lidx2+33)));
      float val45 = (*(data4_96+(Lidx2+36)));
      float val46 = (*(data4_96+(Lidx2+39)));
      float val47 = (*(data4_96+(Lidx2+42)));
      float val48 = (*(data4_96+(Lidx2+45)));
      float val49 = (*(data4_96+(Lidx2+48)));
      float val50 = (*(data4_96+(Lidx2+51)));
      float val51 = (*(data4_96+(Lidx2+54)));
      float val52 = (*(data4_96+(Lidx2+57)));
      float val53 = (*(data4_96+(Lidx2+60)));
      float val54 = (*(data4_96+(Lidx2+63)));
      float val55 = (*(data4_96+(Lidx2+66)));
      float val56 = (*(data4_96+(Lidx2+69)));
      float val57 = (*(data4_96+(Lidx2+72)));
      float val58 = (*(data4_96+(Lidx2+75)));
      float val59 = (*(data4_96+(Lidx2+78)));
      float val60 = (*(data4_96+(Lidx2+81)));
      float val61 = (*(data4_96+(Lidx2+84)));
      float val62 = (*(data4_96+(Lidx2+87)));
      float val63 = (*(data4_96+(Lidx2+90)));
      float val64 = (*(data4_96+(Lidx2+93)));
      float val65 = (*(data4_96+Lidx2));
      *(data0_96+alu32) = (val33-(val0*((alu31*val65)+(alu0*val34)+(alu1*val35)+(alu2*val36)+(alu3*val37)+(alu4*val38)+(alu5*val39)+(alu6*val40)+(alu7*val41)+(alu8*val42)+(alu9*val43)+(alu10*val44)+(alu11*val45)+(alu12*val46)+(alu13*val47)+(alu14*val48)+(alu15*val49)+(alu16*val50)+(alu17*val51)+(alu18*val52)+(alu19*val53)+(alu20*val54)+(alu21*val55)+(alu22*val56)+(alu23*val57)+(alu24*val58)+(alu25*val59)+(alu26*val60)+(alu27*val61)+(alu28*val62)+(alu29*val63)+(alu30*val64))));
    }
  }
}
static __attribute__((noinline)) void k7_r_3_32(float* restrict data0_3, float* restrict data1_3, float* restrict data2_1, float* restrict data3_96) {
  float val0 = (*(data2_1+0));
  for (int Lidx1 = 0; Lidx1 < 3; Lidx1++) {
    float val1 = (*(data1_3+Lidx1));
    float val2 = (*(data3_96+(Lidx1+3)));
    float val3 = (*(data3_96+(Lidx1+6)));
    float val4 = (*(data3_96+(Lidx1+9)));
    float val5 = (*(data3_96+(Lidx1+12)));
    float val6 = (*(data3_96+(Lidx1+15)));
    float val7 = (*(data3_96+(Lidx1+18)));
    float val8 = (*(data3_96+(Lidx1+21)));
    float val9 = (*(data3_96+(Lidx1+24)));
    float val10 = (*(data3_96+(Lidx1+27)));
    float val11 = (*(data3_96+(Lidx1+30)));
    float val12 = (*(data3_96+(Lidx1+33)));
    float val13 = (*(data3_96+(Lidx1+36)));
    float val14 = (*(data3_96+(Lidx1+39)));
    float val15 = (*(data3_96+(Lidx1+42)));
    float val16 = (*(data3_96+(Lidx1+45)));
    float val17 = (*(data3_96+(Lidx1+48)));
    float val18 = (*(data3_96+(Lidx1+51)));
    float val19 = (*(data3_96+(Lidx1+54)));
    float val20 = (*(data3_96+(Lidx1+57)));
    float val21 = (*(data3_96+(Lidx1+60)));
    float val22 = (*(data3_96+(Lidx1+63)));
    float val23 = (*(data3_96+(Lidx1+66)));
    float val24 = (*(data3_96+(Lidx1+69)));
    float val25 = (*(data3_96+(Lidx1+72)));
    float val26 = (*(data3_96+(Lidx1+75)));
    float val27 = (*(data3_96+(Lidx1+78)));
    float val28 = (*(data3_96+(Lidx1+81)));
    float val29 = (*(data3_96+(Lidx1+84)));
    float val30 = (*(data3_96+(Lidx1+87)));
    float val31 = (*(data3_96+(Lidx1+90)));
    float val32 = (*(data3_96+(Lidx1+93)));
    float val33 = (*(data3_96+Lidx1));
    *(data0_3+Lidx1) = (val1-(val0*(val33+val2+val3+val4+val5+val6+val7+val8+val9+val10+val11+val12+val13+val14+val15+val16+val17+val18+val19+val20+val21+val22+val23+val24+val25+val26+val27+val28+val29+val30+val31+val32)));
  }
}
static __attribute__((noinline)) void k8_r_13_32_32(float* restrict data0_416, float* restrict data1_416, float* restrict data2_1, float* restrict data3_416, float* restrict data4_1024) {
  float val0 = (*(data2_1+0));
  for (int Lidx1 = 0; Lidx1 < 13; Lidx1++) {
    float val1 = (*(data3_416+(Lidx1+13)));
    float val2 = (*(data3_416+(Lidx1+26)));
    float val3 = (*(data3_416+(Lidx1+39)));
    float val4 = (*(data3_416+(Lidx1+52)));
    float val5 = (*(data3_416+(Lidx1+65)));
    float val6 = (*(data3_416+(Lidx1+78)));
    float val7 = (*(data3_416+(Lidx1+91)));
    float val8 = (*(data3_416+(Lidx1+104)));
    float val9 = (*(data3_416+(Lidx1+117)));
    float val10 = (*(data3_416+(Lidx1+130)));
    float val11 = (*(data3_416+(Lidx1+143)));
    float val12 = (*(data3_416+(Lidx1+156)));
    float val13 = (*(data3_416+(Lidx1+169)));
    float val14 = (*(data3_416+(Lidx1+182)));
    float val15 = (*(data3_416+(Lidx1+195)));
    float val16 = (*(data3_416+(Lidx1+208)));
    float val17 = (*(data3_416+(Lidx1+221)));
    float val18 = (*(data3_416+(Lidx1+234)));
    float val19 = (*(data3_416+(Lidx1+247)));
    float val20 = (*(data3_416+(Lidx1+260)));
    float val21 = (*(data3_416+(Lidx1+273)));
    float val22 = (*(data3_416+(Lidx1+286)));
    float val23 = (*(data3_416+(Lidx1+299)));
    float val24 = (*(data3_416+(Lidx1+312)));
    float val25 = (*(data3_416+(Lidx1+325)));
    float val26 = (*(data3_416+(Lidx1+338)));
    float val27 = (*(data3_416+(Lidx1+351)));
    float val28 = (*(data3_416+(Lidx1+364)));
    float val29 = (*(data3_416+(Lidx1+377)));
    float val30 = (*(data3_416+(Lidx1+390)));
    float val31 = (*(data3_416+(Lidx1+403)));
    float val32 = (*(data3_416+Lidx1));
    for (int Lidx2 = 0; Lidx2 < 32; Lidx2++) {
      int alu0 = ((Lidx1<<5)+Lidx2);
      float val33 = (*(data1_416+alu0));
      float val34 = (*(data4_1024+(Lidx2+32)));
      float val35 = (*(data4_1024+(Lidx2+64)));
      float val36 = (*(data4_1024+(Lidx2+96)));
      float val37 = (*(data4_1024+(Lidx2+128)));
      float val38 = (*(data4_1024+(Lidx2+160)));
      float val39 = (*(data4_1024+(Lidx2+192)));
      float val40 = (*(data4_1024+(Lidx2+224)));
      float val41 = (*(data4_1024+(Lidx2+256)));
      float val42 = (*(data4_1024+(Lidx2+288)));
      float val43 = (*(data4_1024+(Lidx2+320)));
      float val44 = (*(data4_1024+(Lidx2+352)));
      float val45 = (*(data4_1024+(Lidx2+384)));
      float val46 = (*(data4_1024+(Lidx2+416)));
      float val47 = (*(data4_1024+(Lidx2+448)));
      float val48 = (*(data4_1024+(Lidx2+480)));
      float val49 = (*(data4_1024+(Lidx2+512)));
      float val50 = (*(data4_1024+(Lidx2+544)));
      float val51 = (*(data4_1024+(Lidx2+576)));
      float val52 = (*(data4_1024+(Lidx2+608)));
      float val53 = (*(data4_1024+(Lidx2+640)));
      float val54 = (*(data4_1024+(Lidx2+672)));
      float val55 = (*(data4_1024+(Lidx2+704)));
      float val56 = (*(data4_1024+(Lidx2+736)));
      float val57 = (*(data4_1024+(Lidx2+768)));
      float val58 = (*(data4_1024+(Lidx2+800)));
      float val59 = (*(data4_1024+(Lidx2+832)));
      float val60 = (*(data4_1024+(Lidx2+864)));
      float val61 = (*(data4_1024+(Lidx2+896)));
      float val62 = (*(data4_1024+(Lidx2+928)));
      float val63 = (*(data4_1024+(Lidx2+960)));
      float val64 = (*(data4_1024+(Lidx2+992)));
      float val65 = (*(data4_1024+Lidx2));
      *(data0_416+alu0) = (val33-(val0*((val32*val65)+(val1*val34)+(val2*val35)+(val3*val36)+(val4*val37)+(val5*val38)+(val6*val39)+(val7*val40)+(val8*val41)+(val9*val42)+(val10*val43)+(val11*val44)+(val12*val45)+(val13*val46)+(val14*val47)+(val15*val48)+(val16*val49)+(val17*val50)+(val18*val51)+(val19*val52)+(val20*val53)+(val21*val54)+(val22*val55)+(val23*val56)+(val24*val57)+(val25*val58)+(val26*val59)+(val27*val60)+(val28*val61)+(val29*val62)+(val30*val63)+(val31*val64))));
    }
  }
}
static __attribute__((noinline)) void k9_r_32_32(float* restrict data0_32, float* restrict data1_32, float* restrict data2_1, float* restrict data3_1024) {
  float val0 = (*(data2_1+0));
  for (int Lidx1 = 0; Lidx1 < 32; Lidx1++) {
    float val1 = (*(data1_32+Lidx1));
    float val2 = (*(data3_1024+(Lidx1+32)));
    float val3 = (*(data3_1024+(Lidx1+64)));
    float val4 = (*(data3_1024+(Lidx1+96)));
    float val5 = (*(data3_1024+(Lidx1+128)));
    float val6 = (*(data3_1024+(Lidx1+160)));
    float val7 = (*(data3_1024+(Lidx1+192)));
    float val8 = (*(data3_1024+(Lidx1+224)));
    float val9 = (*(data3_1024+(Lidx1+256)));
    float val10 = (*(data3_1024+(Lidx1+288)));
    float val11 = (*(data3_1024+(Lidx1+320)));
    float val12 = (*(data3_1024+(Lidx1+352)));
    float val13 = (*(data3_1024+(Lidx1+384)));
    float val14 = (*(data3_1024+(Lidx1+416)));
    float val15 = (*(data3_1024+(Lidx1+448)));
    float val16 = (*(data3_1024+(Lidx1+480)));
    float val17 = (*(data3_1024+(Lidx1+512)));
    float val18 = (*(data3_1024+(Lidx1+544)));
    float val19 = (*(data3_1024+(Lidx1+576)));
    float val20 = (*(data3_1024+(Lidx1+608)));
    float val21 = (*(data3_1024+(Lidx1+640)));
    float val22 = (*(data3_1024+(Lidx1+672)));
    float val23 = (*(data3_1024+(Lidx1+704)));
    float val24 = (*(data3_1024+(Lidx1+736)));
    float val25 = (*(data3_1024+(Lidx1+768)));
    float val26 = (*(data3_1024+(Lidx1+800)));
    float val27 = (*(data3_1024+(Lidx1+832)));
    float val28 = (*(data3_1024+(Lidx1+864)));
    float val29 = (*(data3_1024+(Lidx1+896)));
    float val30 = (*(data3_1024+(Lidx1+928)));
    float val31 = (*(data3_1024+(Lidx1+960)));
    float val32 = (*(data3_1024+(Lidx1+992)));
    float val33 = (*(data3_1024+Lidx1));
    *(data0_32+Lidx1) = (val1-(val0*(val33+val2+val3+val4+val5+val6+val7+val8+val9+val10+val11+val12+val13+val14+val15+val16+val17+val18+val19+val20+val21+val22+val23+val24+val25+val26+val27+val28+val29+val30+val31+val32)));
  }
}
static __attribute__((noinline)) void k10_E_24_4(float* restrict data0_96, float* restrict data1_96) {
  for (int Lidx0 = 0; Lidx0 < 24; Lidx0++) {
    int alu0 = (Lidx0<<2);
    float4 val0 = (*((float4*)((data1_96+alu0))));
    *((float4*)((data0_96+alu0))) = val0;
  }
}
static __attribute__((noinline)) void k11_E_3(float* restrict data0_3, float* restrict data1_3) {
  for (int Lidx0 = 0; Lidx0 < 3; Lidx0++) {
    float val0 = (*(data1_3+Lidx0));
    *(data0_3+Lidx0) = val0;
  }
}
static __attribute__((noinline)) void k12_E_104_4(float* restrict data0_416, float* restrict data1_416) {
  for (int Lidx0 = 0; Lidx0 < 104; Lidx0++) {
    int alu0 = (Lidx0<<2);
    float4 val0 = (*((float4*)((data1_416+alu0))));
    *((float4*)((data0_416+alu0))) = val0;
  }
}
static __attribute__((noinline)) void k13_E_8_4(float* restrict data0_32, float* restrict data1_32) {
  for (int Lidx0 = 0; Lidx0 < 8; Lidx0++) {
    int alu0 = (Lidx0<<2);
    float4 val0 = (*((float4*)((data1_32+alu0))));
    *((float4*)((data0_32+alu0))) = val0;
  }
}
static void step(void) {
  k0_r_32_8_4_13((void *)(t0 + 0), (void *)batch_x, (void *)((char *)now_w1 + 0), (void *)((char *)now_b1 + 0));
  k1_r_32_3_32((void *)(t0 + 4096), (void *)(t0 + 0), (void *)((char *)now_w2 + 0), (void *)((char *)now_b2 + 0));
  k2_r_32_3((void *)(t0 + 4608), (void *)(t0 + 4096));
  k3_r_32_3_3((void *)(t0 + 4864), (void *)batch_mask, (void *)batch_count, (void *)batch_y, (void *)(t0 + 4096), (void *)(t0 + 4608));
  k4_E_32_3((void *)(t0 + 5120), (void *)batch_mask, (void *)batch_count, (void *)batch_y, (void *)(t0 + 4096), (void *)(t0 + 4608), (void *)(t0 + 4864));
  k5_r_32_8_4_3((void *)(t0 + 5632), (void *)(t0 + 0), (void *)((char *)now_w2 + 0), (void *)(t0 + 5120));
  k6_r_32_3_32((void *)(t0 + 4096), (void *)((char *)now_w2 + 0), (void *)learning_rate, (void *)(t0 + 0), (void *)(t0 + 5120));
  k7_r_3_32((void *)(t0 + 4608), (void *)((char *)now_b2 + 0), (void *)learning_rate, (void *)(t0 + 5120));
  k8_r_13_32_32((void *)(t0 + 0), (void *)((char *)now_w1 + 0), (void *)learning_rate, (void *)batch_x, (void *)(t0 + 5632));
  k9_r_32_32((void *)(t0 + 4864), (void *)((char *)now_b1 + 0), (void *)learning_rate, (void *)(t0 + 5632));
  k10_E_24_4((void *)((char *)now_w2 + 0), (void *)(t0 + 4096));
  k11_E_3((void *)((char *)now_b2 + 0), (void *)(t0 + 4608));
  k12_E_104_4((void *)((char *)now_w1 + 0), (void *)(t0 + 0));
  k13_E_8_4((void *)((char *)now_b1 + 0), (void *)(t0 + 4864));
}

#define WEIGHT_LIST(before, after) {before##w1##after, before##b1##after, before##w2##after, before##b2##after}
#define WEIGHT_SIZES {416, 32, 96, 3}
/* `step()` (captured, above) changes the weights now_* by one batch. */
static const float *const before[WEIGHTS] = WEIGHT_LIST(, );
static float *const now[WEIGHTS] = WEIGHT_LIST(now_, );
static float *const change[WEIGHTS] = WEIGHT_LIST(d_, );
static const int sizes[WEIGHTS] = WEIGHT_SIZES;

/* Goes `epochs` times over the shard's rows in their order, BATCH at a time; a short last batch is filled with rows that
   count for nothing. The output is the change of every weight, and how many rows it stands for. */
int run(void) {
  int n = rows[0];
  if (n < 0 || n > ROWS || epochs[0] < 0 || learning_rate[0] != learning_rate[0]) return STATUS_BAD_INPUT;
  for (int i = 0; i < n; i++) if (y[i] < 0 || y[i] >= CLASSES) return STATUS_BAD_INPUT;
  if (f32_odd(x, n * INPUTS)) return STATUS_NAN; /* a rectifier would hide it */
  for (int w = 0; w < WEIGHTS; w++) {
    if (f32_odd(before[w], sizes[w])) return STATUS_NAN;
    memcpy(now[w], before[w], sizes[w] * sizeof(float));
  }
  for (int epoch = 0; epoch < epochs[0]; epoch++) {
    for (int first = 0; first < n; first += BATCH) {
      int count = n - first < BATCH ? n - first : BATCH;
      memcpy(batch_x, x + first * INPUTS, count * INPUTS * sizeof(float));
      memcpy(batch_y, y + first, count * sizeof(int));
      for (int i = 0; i < BATCH; i++) batch_mask[i] = i < count;
      memset(batch_x + count * INPUTS, 0, (BATCH - count) * INPUTS * sizeof(float));
      memset(batch_y + count, 0, (BATCH - count) * sizeof(int));
      batch_count[0] = (float)count;
      step();
    }
  }
  samples[0] = n;
  int bad = 0;
  for (int w = 0; w < WEIGHTS; w++) {
    for (int i = 0; i < sizes[w]; i++) change[w][i] = now[w][i] - before[w][i];
    bad |= f32_nan(now[w], sizes[w]) | f32_nan(change[w], sizes[w]);
  }
  return bad ? STATUS_NAN : STATUS_OK;
}
