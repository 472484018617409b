/* mlp-64-128-10.infer: a program, made by edgebounty.programs.compiler */
#define ROWS 128
#define BATCH 32
#define INPUTS 64
#define CLASSES 10
#define WEIGHTS 4
/* state */
float w1[8192] __attribute__((aligned(16)));
float b1[128] __attribute__((aligned(16)));
float w2[1280] __attribute__((aligned(16)));
float b2[10] __attribute__((aligned(16)));
/* shard */
int rows[1] __attribute__((aligned(16)));
float x[8192] __attribute__((aligned(16)));
/* output */
int out_rows[1] __attribute__((aligned(16)));
float probabilities[1280] __attribute__((aligned(16)));
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

static float batch_x[2048] __attribute__((aligned(64)));
static float batch_p[320] __attribute__((aligned(64)));
typedef float float4 __attribute__((aligned(16),ext_vector_type(4)));
typedef float float2 __attribute__((aligned(8),ext_vector_type(2)));
static char t0[17664] __attribute__((aligned(64)));
static __attribute__((noinline)) void k0_r_8_32_4_4_16_4(float* restrict data0_4096, float* restrict data1_2048, float* restrict data2_8192, float* restrict data3_128) {
  float buf0[16];
  for (int Lidx1 = 0; Lidx1 < 8; Lidx1++) {
    for (int Lidx2 = 0; Lidx2 < 32; Lidx2++) {
      int alu0 = (Lidx2<<2);
      *(buf0+0) = 0.0f;
      *(buf0+1) = 0.0f;
      *(buf0+2) = 0.0f;
      *(buf0+3) = 0.0f;
      *(buf0+4) = 0.0f;
      *(buf0+5) = 0.0f;
      *(buf0+6) = 0.0f;
      *(buf0+7) = 0.0f;
      *(buf0+8) = 0.0f;
      *(buf0+9) = 0.0f;
      *(buf0+10) = 0.0f;
      *(buf0+11) = 0.0f;
      *(buf0+12) = 0.0f;
      *(buf0+13) = 0.0f;
      *(buf0+14) = 0.0f;
      *(buf0+15) = 0.0f;
      for (int Ridx0 = 0; Ridx0 < 16; Ridx0++) {
        int alu17 = ((Ridx0<<2)+(Lidx1<<8));
        float4 val0 = (*((float4*)((data1_2048+(alu17+64)))));
        float4 val1 = (*((float4*)((data1_2048+(alu17+128)))));
        float4 val2 = (*((float4*)((data1_2048+(alu17+192)))));
        float4 val3 = (*((float4*)((data1_2048+alu17))));
        int alu18 = ((Ridx0<<9)+alu0);
        float4 val4 = (*((float4*)((data2_8192+(alu18+128)))));
        float4 val5 = (*((float4*)((data2_8192+(alu18+256)))));
        float4 val6 = (*((float4*)((data2_8192+(alu18+384)))));
        float4 val7 = (*((float4*)((data2_8192+alu18))));
        *(buf0+0) = ((*(buf0+0))+(val3[0]*val7[0])+(val3[1]*val4[0])+(val3[2]*val5[0])+(val3[3]*val6[0]));
        *(buf0+1) = ((*(buf0+1))+(val3[0]*val7[1])+(val3[1]*val4[1])+(val3[2]*val5[1])+(val3[3]*val6[1]));
        *(buf0+2) = ((*(buf0+2))+(val3[0]*val7[2])+(val3[1]*val4[2])+(val3[2]*val5[2])+(val3[3]*val6[2]));
        *(buf0+3) = ((*(buf0+3))+(val3[0]*val7[3])+(val3[1]*val4[3])+(val3[2]*val5[3])+(val3[3]*val6[3]));
        *(buf0+4) = ((*(buf0+4))+(val0[0]*val7[0])+(val0[1]*val4[0])+(val0[2]*val5[0])+(val0[3]*val6[0]));
        *(buf0+5) = ((*(buf0+5))+(val0[0]*val7[1])+(val0[1]*val4[1])+(val0[2]*val5[1])+(val0[3]*val6[1]));
        *(buf0+6) = ((*(buf0+6))+(val0[0]*val7[2])+(val0[1]*val4[2])+(val0[2]*val5[2])+(val0[3]*val6[2]));
        *(buf0+7) = ((*(buf0+7))+(val0[0]*val7[3])+(val0[1]*val4[3])+(val0[2]*val5[3])+(val0[3]*val6[3]));
        *(buf0+8) = ((*(buf0+8))+(val1[0]*val7[0])+(val1[1]*val4[0])+(val1[2]*val5[0])+(val1[3]*val6[0]));
        *(buf0+9) = ((*(buf0+9))+(val1[0]*val7[1])+(val1[1]*val4[1])+(val1[2]*val5[1])+(val1[3]*val6[1]));
        *(buf0+10) = ((*(buf0+10))+(val1[0]*val7[2])+(val1[1]*val4[2])+(val1[2]*val5[2])+(val1[3]*val6[2]));
        *(buf0+11) = ((*(buf0+11))+(val1[0]*val7[3])+(val1[1]*val4[3])+(val1[2]*val5[3])+(val1[3]*val6[3]));
        *(buf0+12) = ((*(buf0+12))+(val2[0]*val7[0])+(val2[1]*val4[0])+(val2[2]*val5[0])+(val2[3]*val6[0]));
        *(buf0+13) = ((*(buf0+13))+(val2[0]*val7[1])+(val2[1]*val4[1])+(val2[2]*val5[1])+(val2[3]*val6[1]));
        *(buf0+14) = ((*(buf0+14))+(val2[0]*val7[2])+(val2[1]*val4[2])+(val2[2]*val5[2])+(val2[3]*val6[2]));
        *(buf0+15) = ((*(buf0+15))+(val2[0]*val7[3])+(val2[1]*val4[3])+(val2[2]*val5[3])+(val2[3]*val6[3]));
      }
      float4 val8 = (*((float4*)((data3_128+alu0))));
      float alu36 = ((*(buf0+0))+val8[0]);
      float alu37 = ((*(buf0+1))+val8[1]);
      float alu38 = ((*(buf0+2))+val8[2]);
      float alu39 = ((*(buf0+3))+val8[3]);
      float alu40 = ((0.0f<alu36)?alu36:0.0f);
      float alu41 = ((0.0f<alu37)?alu37:0.0f);
      float alu42 = ((0.0f<alu38)?alu38:0.0f);
      float alu43 = ((0.0f<alu39)?alu39:0.0f);
      float alu44 = ((*(buf0+4))+val8[0]);
      float alu45 = ((*(buf0+5))+val8[1]);
      float alu46 = ((*(buf0+6))+val8[2]);
      float alu47 = ((*(buf0+7))+val8[3]);
      float alu48 = ((0.0f<alu44)?alu44:0.0f);
      float alu49 = ((0.0f<alu45)?alu45:0.0f);
      float alu50 = ((0.0f<alu46)?alu46:0.0f);
      float alu51 = ((0.0f<alu47)?alu47:0.0f);
      float alu52 = ((*(buf0+8))+val8[0]);
      float alu53 = ((*(buf0+9))+val8[1]);
      float alu54 = ((*(buf0+10))+val8[2]);
      float alu55 = ((*(buf0+11))+val8[3]);
      float alu56 = ((0.0f<alu52)?alu52:0.0f);
      float alu57 = ((0.0f<alu53)?alu53:0.0f);
      float alu58 = ((0.0f<alu54)?alu54:0.0f);
      float alu59 = ((0.0f<alu55)?alu55:0.0f);
      float alu60 = ((*(buf0+12))+val8[0]);
      float alu61 = ((*(buf0+13))+val8[1]);
      float alu62 = ((*(buf0+14))+val8[2]);
      float alu63 = ((*(buf0+15))+val8[3]);
      float alu64 = ((0.0f<alu60)?alu60:0.0f);
      float alu65 = ((0.0f<alu61)?alu61:0.0f);
      float alu66 = ((0.0f<alu62)?alu62:0.0f);
      float alu67 = ((0.0f<alu63)?alu63:0.0f);
      int alu68 = ((Lidx1<<9)+alu0);
      *((float4*)((data0_4096+(alu68+128)))) = (float4){alu48,alu49,alu50,alu51};
      *((float4*)((data0_4096+(alu68+256)))) = (float4){alu56,alu57,alu58,alu59};
      *((float4*)((data0_4096+(alu68+384)))) = (float4){alu64,alu65,alu66,alu67};
      *((float4*)((data0_4096+alu68))) = (float4){alu40,alu41,alu42,alu43};
    }
  }
}
static __attribute__((noinline)) void k1_r_32_10_32_4(float* restrict data0_320, float* restrict data1_4096, float* restrict data2_1280, float* restrict data3_10) {
  float buf0[1];
  for (int Lidx1 = 0; Lidx1 < 32; Lidx1++) {
    for (int Lidx2 = 0; Lidx2 < 10; Lidx2++) {
      *(buf0+0) = 0.0f;
      for (int Ridx0 = 0; Ridx0 < 32; Ridx0++) {
        int alu1 = ((Ridx0*40)+Lidx2);
        float val0 = (*(data2_1280+(alu1+10)));
        float val1 = (*(data2_1280+(alu1+20)));
        float val2 = (*(data2_1280+(alu1+30)));
        float val3 = (*(data2_1280+alu1));
        float4 val4 = (*((float4*)((data1_4096+((Ridx0<<2)+(Lidx1<<7))))));
        *(buf0+0) = ((*(buf0+0))+(val4[0]*val3)+(val4[1]*val0)+(val4[2]*val1)+(val4[3]*val2));
      }
      float val5 = (*(data3_10+Lidx2));
      *(data0_320+((Lidx1*10)+Lidx2)) = ((*(buf0+0))+val5);
    }
  }
}
static __attribute__((noinline)) void k2_r_32_10(float* restrict data0_32, float* restrict data1_320) {
  for (int Lidx1 = 0; Lidx1 < 32; Lidx1++) {
    int alu0 = (Lidx1*10);
    float2 val0 = (*((float2*)((data1_320+(alu0+2)))));
    float2 val1 = (*((float2*)((data1_320+(alu0+4)))));
    float2 val2 = (*((float2*)((data1_320+(alu0+6)))));
    float2 val3 = (*((float2*)((data1_320+(alu0+8)))));
    float2 val4 = (*((float2*)((data1_320+alu0))));
    float alu1 = ((val4[0]<val4[1])?val4[1]:val4[0]);
    float alu2 = ((alu1<val0[0])?val0[0]:alu1);
    float alu3 = ((alu2<val0[1])?val0[1]:alu2);
    float alu4 = ((alu3<val1[0])?val1[0]:alu3);
    float alu5 = ((alu4<val1[1])?val1[1]:alu4);
    float alu6 = ((alu5<val2[0])?val2[0]:alu5);
    float alu7 = ((alu6<val2[1])?val2[1]:alu6);
    float alu8 = ((alu7<val3[0])?val3[0]:alu7);
    float alu9 = ((alu8<val3[1])?val3[1]:alu8);
    *(data0_32+Lidx1) = alu9;
  }
}
static __attribute__((noinline)) void k3_r_32_10(float* restrict data0_32, float* restrict data1_320, float* restrict data2_32) {
  for (int Lidx1 = 0; Lidx1 < 32; Lidx1++) {
    float val0 = (*(data2_32+Lidx1));
    int alu0 = (Lidx1*10);
    float2 val1 = (*((float2*)((data1_320+(alu0+2)))));
    float2 val2 = (*((float2*)((data1_320+(alu0+4)))));
    float2 val3 = (*((float2*)((data1_320+(alu0+6)))));
    float2 val4 = (*((float2*)((data1_320+(alu0+8)))));
    float2 val5 = (*((float2*)((data1_320+alu0))));
    float alu1 = ((val1[0]-val0)*1.4426950216293335f);
    _Bool alu2 = (alu1!=alu1);
    float alu3 = ((alu1!=((float)(-__builtin_inff())))?alu1:0.0f);
    float alu4 = (alu2?0.0f:alu3);
    float alu5 = ((alu1!=((float)(__builtin_inff())))?alu4:0.0f);
    float alu6 = ((alu5<0.0f)?-0.5f:0.5f);
    int cast0 = ((int)((alu5+alu6)));
    float alu7 = ((val1[1]-val0)*1.4426950216293335f);
    _Bool alu8 = (alu7!=alu7);
    float alu9 = ((alu7!=((float)(-__builtin_inff())))?alu7:0.0f);
    float alu10 = (alu8?0.0f:alu9);
    float alu11 = ((alu7!=((float)(__builtin_inff())))?alu10:0.0f);
    float alu12 = ((alu11<0.0f)?-0.5f:0.5f);
    int cast1 = ((int)((alu11+alu12)));
    float alu13 = ((val2[0]-val0)*1.4426950216293335f);
    _Bool alu14 = (alu13!=alu13);
    float alu15 = ((alu13!=((float)(-__builtin_inff())))?alu13:0.0f);
    float alu16 = (alu14?0.0f:alu15);
    float alu17 = ((alu13!=((float)(__builtin_inff())))?alu16:0.0f);
    float alu18 = ((alu17<0.0f)?-0.5f:0.5f);
    int cast2 = ((int)((alu17+alu18)));
    float alu19 = ((val2[1]-val0)*1.4426950216293335f);
    _Bool alu20 = (alu19!=alu19);
    float alu21 = ((alu19!=((float)(-__builtin_inff())))?alu19:0.0f);
    float alu22 = (alu20?0.0f:alu21);
    float alu23 = ((alu19!=((float)(__builtin_inff())))?alu22:0.0f);
    float alu24 = ((alu23<0.0f)?-0.5f:0.5f);
    int cast3 = ((int)((alu23+alu24)));
    float alu25 = ((val3[0]-val0)*1.4426950216293335f);
    _Bool alu26 = (alu25!=alu25);
    float alu27 = ((alu25!=((float)(-__builtin_inff())))?alu25:0.0f);
    float alu28 = (alu26?0.0f:alu27);
    float alu29 = ((alu25!=((float)(__builtin_inff())))?alu28:0.0f);
    float alu30 = ((alu29<0.0f)?-0.5f:0.5f);
    int cast4 = ((int)((alu29+alu30)));
    float alu31 = ((val3[1]-val0)*1.4426950216293335f);
    _Bool alu32 = (alu31!=alu31);
    float alu33 = ((alu31!=((float)(-__builtin_inff())))?alu31:0.0f);
    float alu34 = (alu32?0.0f:alu33);
    float alu35 = ((alu31!=((float)(__builtin_inff())))?alu34:0.0f);
    float alu36 = ((alu35<0.0f)?-0.5f:0.5f);
    int cast5 = ((int)((alu35+alu36)));
    float alu37 = ((val4[0]-val0)*1.4426950216293335f);
    _Bool alu38 = (alu37!=alu37);
    float alu39 = ((alu37!=((float)(-__builtin_inff())))?alu37:0.0f);
    float alu40 = (alu38?0.0f:alu39);
    float alu41 = ((alu37!=((float)(__builtin_inff())))?alu40:0.0f);
    float alu42 = ((alu41<0.0f)?-0.5f:0.5f);
    int cast6 = ((int)((alu41+alu42)));
    float alu43 = ((val4[1]-val0)*1.4426950216293335f);
    _Bool alu44 = (alu43!=alu43);
    float alu45 = ((alu43!=((float)(-__builtin_inff())))?alu43:0.0f);
    float alu46 = (alu44?0.0f:alu45);
    float alu47 = ((alu43!=((float)(__builtin_inff())))?alu46:0.0f);
    float alu48 = ((alu47<0.0f)?-0.5f:0.5f);
    int cast7 = ((int)((alu47+alu48)));
    float alu49 = ((val5[0]-val0)*1.4426950216293335f);
    _Bool alu50 = (alu49!=alu49);
    float alu51 = ((alu49!=((float)(-__builtin_inff())))?alu49:0.0f);
    float alu52 = (alu50?0.0f:alu51);
    float alu53 = ((alu49!=((float)(__builtin_inff())))?alu52:0.0f);
    float alu54 = ((alu53<0.0f)?-0.5f:0.5f);
    int cast8 = ((int)((alu53+alu54)));
    float alu55 = ((val5[1]-val0)*1.4426950216293335f);
    _Bool alu56 = (alu55!=alu55);
    float alu57 = ((alu55!=((float)(-__builtin_inff())))?alu55:0.0f);
    float alu58 = (alu56?0.0f:alu57);
    float alu59 = ((alu55!=((float)(__builtin_inff())))?alu58:0.0f);
    float alu60 = ((alu59<0.0f)?-0.5f:0.5f);
    int cast9 = ((int)((alu59+alu60)));
    int alu61 = (cast0>>1);
    int alu62 = (cast1>>1);
    int alu63 = (cast2>>1);
    int alu64 = (cast3>>1);
    int alu65 = (cast4>>1);
    int alu66 = (cast5>>1);
    int alu67 = (cast6>>1);
    int alu68 = (cast7>>1);
    int alu69 = (cast8>>1);
    int alu70 = (cast9>>1);
    float alu71 = (alu5-((float)(cast0)));
    float alu72 = (alu53-((float)(cast8)));
    float alu73 = (alu59-((float)(cast9)));
    float alu74 = (((alu49<128.0f)!=1)?((float)(__builtin_inff())):(((((((((((((0.00015359208919107914f*alu72)+0.0013392627006396651f)*alu72)+0.009618384763598442f)*alu72)+0.055503472685813904f)*alu72)+0.24022644758224487f)*alu72)+0.6931471824645996f)*alu72)+1.0f)*__builtin_bit_cast(float, (int)(((alu69+127)<<23)))*__builtin_bit_cast(float, (int)((((cast8-alu69)+127)<<23)))));
    float alu75 = ((alu49<-150.0f)?0.0f:alu74);
    float alu76 = (((alu55<128.0f)!=1)?((float)(__builtin_inff())):(((((((((((((0.00015359208919107914f*alu73)+0.0013392627006396651f)*alu73)+0.009618384763598442f)*alu73)+0.055503472685813904f)*alu73)+0.24022644758224487f)*alu73)+0.6931471824645996f)*alu73)+1.0f)*__builtin_bit_cast(float, (int)(((alu70+127)<<23)))*__builtin_bit_cast(float, (int)((((cast9-alu70)+127)<<23)))));
    float alu77 = ((alu55<-150.0f)?0.0f:alu76);
    float alu78 = (alu50?((float)(__builtin_nanf(""))):alu75);
    float alu79 = (alu56?((float)(__builtin_nanf(""))):alu77);
    float alu80 = (((alu1<128.0f)!=1)?((float)(__builtin_inff())):(((((((((((((0.00015359208919107914f*alu71)+0.0013392627006396651f)*alu71)+0.009618384763598442f)*alu71)+0.055503472685813904f)*alu71)+0.24022644758224487f)*alu71)+0.6931471824645996f)*alu71)+1.0f)*__builtin_bit_cast(float, (int)(((alu61+127)<<23)))*__builtin_bit_cast(float, (int)((((cast0-alu61)+127)<<23)))));
    float alu81 = ((alu1<-150.0f)?0.0f:alu80);
    float alu82 = (alu2?((float)(__builtin_nanf(""))):alu81);
    float alu83 = (alu11-((float)(cast1)));
    float alu84 = (((alu7<128.0f)!=1)?((float)(__builtin_inff())):(((((((((((((0.00015359208919107914f*alu83)+0.0013392627006396651f)*alu83)+0.009618384763598442f)*alu83)+0.055503472685813904f)*alu83)+0.24022644758224487f)*alu83)+0.6931471824645996f)*alu83)+1.0f)*__builtin_bit_cast(float, (int)(((alu62+127)<<23)))*__builtin_bit_cast(float, (int)((((cast1-alu62)+127)<<23)))));
    float alu85 = ((alu7<-150.0f)?0.0f:alu84);
    float alu86 = (alu8?((float)(__builtin_nanf(""))):alu85);
    float alu87 = (alu17-((float)(cast2)));
    float alu88 = (((alu13<128.0f)!=1)?((float)(__builtin_inff())):(((((((((((((0.00015359208919107914f*alu87)+0.0013392627006396651f)*alu87)+0.009618384763598442f)*alu87)+0.055503472685813904f)*alu87)+0.24022644758224487f)*alu87)+0.6931471824645996f)*alu87)+1.0f)*__builtin_bit_cast(float, (int)(((alu63+127)<<23)))*__builtin_bit_cast(float, (int)((((cast2-alu63)+127)<<23)))));
    float alu89 = ((alu13<-150.0f)?0.0f:alu88);
    float alu90 = (alu14?((float)(__builtin_nanf(""))):alu89);
    float alu91 = (alu23-((float)(cast3)));
    float alu92 = (((alu19<128.0f)!=1)?((float)(__builtin_inff())):(((((((((((((0.00015359208919107914f*alu91)+0.0013392627006396651f)*alu91)+0.009618384763598442f)*alu91)+0.055503472685813904f)*alu91)+0.24022644758224487f)*alu91)+0.6931471824645996f)*alu91)+1.0f)*__builtin_bit_cast(float, (int)(((alu64+127)<<23)))*__builtin_bit_cast(float, (int)((((cast3-alu64)+127)<<23)))));
    float alu93 = ((alu19<-150.0f)?0.0f:alu92);
    float alu94 = (alu20?((float)(__builtin_nanf(""))):alu93);
    float alu95 = (alu29-((float)(cast4)));
    float alu96 = (((alu25<128.0f)!=1)?((float)(__builtin_inff())):(((((((((((((0.00015359208919107914f*alu95)+0.0013392627006396651f)*alu95)+0.009618384763598442f)*alu95)+0.055503472685813904f)*alu95)+0.24022644758224487f)*alu95)+0.6931471824645996f)*alu95)+1.0f)*__builtin_bit_cast(float, (int)(((alu65+127)<<23)))*__builtin_bit_cast(float, (int)((((cast4-alu65)+127)<<23)))));
    float alu97 = ((alu25<-150.0f)?0.0f:alu96);
    float alu98 = (alu26?((float)(__builtin_nanf(""))):alu97);
    float alu99 = (alu35-((float)(cast5)));
    float alu100 = (((alu31<128.0f)!=1)?((float)(__builtin_inff())):(((((((((((((0.00015359208919107914f*alu99)+0.0013392627006396651f)*alu99)+0.009618384763598442f)*alu99)+0.055503472685813904f)*alu99)+0.24022644758224487f)*alu99)+0.6931471824645996f)*alu99)+1.0f)*__builtin_bit_cast(float, (int)(((alu66+127)<<23)))*__builtin_bit_cast(float, (int)((((cast5-alu66)+127)<<23)))));
    float alu101 = ((alu31<-150.0f)?0.0f:alu100);
    float alu102 = (alu32?((float)(__builtin_nanf(""))):alu101);
    float alu103 = (alu41-((float)(cast6)));
    float alu104 = (((alu37<128.0f)!=1)?((float)(__builtin_inff())):(((((((((((((0.00015359208919107914f*alu103)+0.0013392627006396651f)*alu103)+0.009618384763598442f)*alu103)+0.055503472685813904f)*alu103)+0.24022644758224487f)*alu103)+0.6931471824645996f)*alu103)+1.0f)*__builtin_bit_cast(float, (int)(((alu67+127)<<23)))*__builtin_bit_cast(float, (int)((((cast6-alu67)+127)<<23)))));
    float alu105 = ((alu37<-150.0f)?0.0f:alu104);
    float alu106 = (alu38?((float)(__builtin_nanf(""))):alu105);
    float alu107 = (alu47-((float)(cast7)));
    float alu108 = (((alu43<128.0f)!=1)?((float)(__builtin_inff())):(((((((((((((0.00015359208919107914f*alu107)+0.0013392627006396651f)*alu107)+0.009618384763598442f)*alu107)+0.055503472685813904f)*alu107)+0.24022644758224487f)*alu107)+0.6931471824645996f)*alu107)+1.0f)*__builtin_bit_cast(float, (int)(((alu68+127)<<23)))*__builtin_bit_cast(float, (int)((((cast7-alu68)+127)<<23)))));
    float alu109 = ((alu43<-150.0f)?0.0f:alu108);
    float alu110 = (alu44?((float)(__builtin_nanf(""))):alu109);
    *(data0_32+Lidx1) = (alu78+alu79+alu82+alu86+alu90+alu94+alu98+alu102+alu106+alu110);
  }
}
static __attribute__((noinline)) void k4_E_32_10(float* restrict data0_320, float* restrict data1_320, float* restrict data2_32, float* restrict data3_32) {
  for (int Lidx0 = 0; Lidx0 < 32; Lidx0++) {
    float val0 = (*(data2_32+Lidx0));
    float val1 = (*(data3_32+Lidx0));
    for (int Lidx1 = 0; Lidx1 < 10; Lidx1++) {
      int alu0 = ((Lidx0*10)+Lidx1);
      float val2 = (*(data1_320+alu0));
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
      *(data0_320+alu0) = (alu11/val1);
    }
  }
}
static void step(void) {
  k0_r_8_32_4_4_16_4((void *)(t0 + 0), (void *)batch_x, (void *)((char *)w1 + 0), (void *)((char *)b1 + 0));
  k1_r_32_10_32_4((void *)(t0 + 16384), (void *)(t0 + 0), (void *)((char *)w2 + 0), (void *)((char *)b2 + 0));
  k2_r_32_10((void *)(t0 + 0), (void *)(t0 + 16384));
  k3_r_32_10((void *)(t0 + 256), (void *)(t0 + 16384), (void *)(t0 + 0));
  k4_E_32_10((void *)((char *)batch_p + 0), (void *)(t0 + 16384), (void *)(t0 + 0), (void *)(t0 + 256));
}

#define WEIGHT_LIST(before, after) {before##w1##after, before##b1##after, before##w2##after, before##b2##after}
#define WEIGHT_SIZES {8192, 128, 1280, 10}
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
