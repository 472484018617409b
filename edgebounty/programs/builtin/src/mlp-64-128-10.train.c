/* mlp-64-128-10.train: a program, made by edgebounty.programs.compiler */
#define ROWS 512
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
float x[32768] __attribute__((aligned(16)));
int y[512] __attribute__((aligned(16)));
/* params */
float learning_rate[1] __attribute__((aligned(16)));
int epochs[1] __attribute__((aligned(16)));
/* output */
float d_w1[8192] __attribute__((aligned(16)));
float d_b1[128] __attribute__((aligned(16)));
float d_w2[1280] __attribute__((aligned(16)));
float d_b2[10] __attribute__((aligned(16)));
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

static float now_w1[8192] __attribute__((aligned(64)));
static float now_b1[128] __attribute__((aligned(64)));
static float now_w2[1280] __attribute__((aligned(64)));
static float now_b2[10] __attribute__((aligned(64)));
static float batch_x[2048] __attribute__((aligned(64)));
static int batch_y[32] __attribute__((aligned(64)));
static float batch_mask[32] __attribute__((aligned(64)));
static float batch_count[1] __attribute__((aligned(64)));
typedef float float4 __attribute__((aligned(16),ext_vector_type(4)));
typedef float float2 __attribute__((aligned(8),ext_vector_type(2)));
static char t0[73728] __attribute__((aligned(64)));
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
      int alu36 = ((Lidx1<<9)+alu0);
      *((float4*)((data0_4096+(alu36+128)))) = (float4){((*(buf0+4))+val8[0]),((*(buf0+5))+val8[1]),((*(buf0+6))+val8[2]),((*(buf0+7))+val8[3])};
      *((float4*)((data0_4096+(alu36+256)))) = (float4){((*(buf0+8))+val8[0]),((*(buf0+9))+val8[1]),((*(buf0+10))+val8[2]),((*(buf0+11))+val8[3])};
      *((float4*)((data0_4096+(alu36+384)))) = (float4){((*(buf0+12))+val8[0]),((*(buf0+13))+val8[1]),((*(buf0+14))+val8[2]),((*(buf0+15))+val8[3])};
      *((float4*)((data0_4096+alu36))) = (float4){((*(buf0+0))+val8[0]),((*(buf0+1))+val8[1]),((*(buf0+2))+val8[2]),((*(buf0+3))+val8[3])};
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
        float alu2 = ((0.0f<val4[0])?val4[0]:0.0f);
        float alu3 = ((0.0f<val4[1])?val4[1]:0.0f);
        float alu4 = ((0.0f<val4[2])?val4[2]:0.0f);
        float alu5 = ((0.0f<val4[3])?val4[3]:0.0f);
        *(buf0+0) = ((*(buf0+0))+(alu2*val3)+(alu3*val0)+(alu4*val1)+(alu5*val2));
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
static __attribute__((noinline)) void k3_r_32_10_10(float* restrict data0_32, float* restrict data1_32, float* restrict data2_1, int* restrict data3_32, float* restrict data4_320, float* restrict data5_32) {
  float buf0[1];
  float val0 = (*(data2_1+0));
  for (int Lidx2 = 0; Lidx2 < 32; Lidx2++) {
    int val1 = (*(data3_32+Lidx2));
    *(buf0+0) = 0.0f;
    for (int Ridx0 = 0; Ridx0 < 10; Ridx0++) {
      *(buf0+0) = ((*(buf0+0))+((float)((val1==Ridx0))));
    }
    float val2 = (*(data1_32+Lidx2));
    float val3 = (*(data5_32+Lidx2));
    int alu3 = (Lidx2*10);
    float2 val4 = (*((float2*)((data4_320+(alu3+2)))));
    float2 val5 = (*((float2*)((data4_320+(alu3+4)))));
    float2 val6 = (*((float2*)((data4_320+(alu3+6)))));
    float2 val7 = (*((float2*)((data4_320+(alu3+8)))));
    float2 val8 = (*((float2*)((data4_320+alu3))));
    float alu4 = ((val4[0]-val3)*1.4426950216293335f);
    _Bool alu5 = (alu4!=alu4);
    float alu6 = ((alu4!=((float)(-__builtin_inff())))?alu4:0.0f);
    float alu7 = (alu5?0.0f:alu6);
    float alu8 = ((alu4!=((float)(__builtin_inff())))?alu7:0.0f);
    float alu9 = ((alu8<0.0f)?-0.5f:0.5f);
    int cast0 = ((int)((alu8+alu9)));
    float alu10 = ((val4[1]-val3)*1.4426950216293335f);
    _Bool alu11 = (alu10!=alu10);
    float alu12 = ((alu10!=((float)(-__builtin_inff())))?alu10:0.0f);
    float alu13 = (alu11?0.0f:alu12);
    float alu14 = ((alu10!=((float)(__builtin_inff())))?alu13:0.0f);
    float alu15 = ((alu14<0.0f)?-0.5f:0.5f);
    int cast1 = ((int)((alu14+alu15)));
    float alu16 = ((val5[0]-val3)*1.4426950216293335f);
    _Bool alu17 = (alu16!=alu16);
    float alu18 = ((alu16!=((float)(-__builtin_inff())))?alu16:0.0f);
    float alu19 = (alu17?0.0f:alu18);
    float alu20 = ((alu16!=((float)(__builtin_inff())))?alu19:0.0f);
    float alu21 = ((alu20<0.0f)?-0.5f:0.5f);
    int cast2 = ((int)((alu20+alu21)));
    float alu22 = ((val5[1]-val3)*1.4426950216293335f);
    _Bool alu23 = (alu22!=alu22);
    float alu24 = ((alu22!=((float)(-__builtin_inff())))?alu22:0.0f);
    float alu25 = (alu23?0.0f:alu24);
    float alu26 = ((alu22!=((float)(__builtin_inff())))?alu25:0.0f);
    float alu27 = ((alu26<0.0f)?-0.5f:0.5f);
    int cast3 = ((int)((alu26+alu27)));
    float alu28 = ((val6[0]-val3)*1.4426950216293335f);
    _Bool alu29 = (alu28!=alu28);
    float alu30 = ((alu28!=((float)(-__builtin_inff())))?alu28:0.0f);
    float alu31 = (alu29?0.0f:alu30);
    float alu32 = ((alu28!=((float)(__builtin_inff())))?alu31:0.0f);
    float alu33 = ((alu32<0.0f)?-0.5f:0.5f);
    int cast4 = ((int)((alu32+alu33)));
    float alu34 = ((val6[1]-val3)*1.4426950216293335f);
    _Bool alu35 = (alu34!=alu34);
    float alu36 = ((alu34!=((float)(-__builtin_inff())))?alu34:0.0f);
    float alu37 = (alu35?0.0f:alu36);
    float alu38 = ((alu34!=((float)(__builtin_inff())))?alu37:0.0f);
    float alu39 = ((alu38<0.0f)?-0.5f:0.5f);
    int cast5 = ((int)((alu38+alu39)));
    float alu40 = ((val7[0]-val3)*1.4426950216293335f);
    _Bool alu41 = (alu40!=alu40);
    float alu42 = ((alu40!=((float)(-__builtin_inff())))?alu40:0.0f);
    float alu43 = (alu41?0.0f:alu42);
    float alu44 = ((alu40!=((float)(__builtin_inff())))?alu43:0.0f);
    float alu45 = ((alu44<0.0f)?-0.5f:0.5f);
    int cast6 = ((int)((alu44+alu45)));
    float alu46 = ((val7[1]-val3)*1.4426950216293335f);
    _Bool alu47 = (alu46!=alu46);
    float alu48 = ((alu46!=((float)(-__builtin_inff())))?alu46:0.0f);
    float alu49 = (alu47?0.0f:alu48);
    float alu50 = ((alu46!=((float)(__builtin_inff())))?alu49:0.0f);
    float alu51 = ((alu50<0.0f)?-0.5f:0.5f);
    int cast7 = ((int)((alu50+alu51)));
    float alu52 = ((val8[0]-val3)*1.4426950216293335f);
    _Bool alu53 = (alu52!=alu52);
    float alu54 = ((alu52!=((float)(-__builtin_inff())))?alu52:0.0f);
    float alu55 = (alu53?0.0f:alu54);
    float alu56 = ((alu52!=((float)(__builtin_inff())))?alu55:0.0f);
    float alu57 = ((alu56<0.0f)?-0.5f:0.5f);
    int cast8 = ((int)((alu56+alu57)));
    float alu58 = ((val8[1]-val3)*1.4426950216293335f);
    _Bool alu59 = (alu58!=alu58);
    float alu60 = ((alu58!=((float)(-__builtin_inff())))?alu58:0.0f);
    float alu61 = (alu59?0.0f:alu60);
    float alu62 = ((alu58!=((float)(__builtin_inff())))?alu61:0.0f);
    float alu63 = ((alu62<0.0f)?-0.5f:0.5f);
    int cast9 = ((int)((alu62+alu63)));
    int alu64 = (cast0>>1);
    int alu65 = (cast1>>1);
    int alu66 = (cast2>>1);
    int alu67 = (cast3>>1);
    int alu68 = (cast4>>1);
    int alu69 = (cast5>>1);
    int alu70 = (cast6>>1);
    int alu71 = (cast7>>1);
    int alu72 = (cast8>>1);
    int alu73 = (cast9>>1);
    float alu74 = (alu8-((float)(cast0)));
    float alu75 = (alu56-((float)(cast8)));
    float alu76 = (alu62-((float)(cast9)));
    float alu77 = (((alu52<128.0f)!=1)?((float)(__builtin_inff())):(((((((((((((0.00015359208919107914f*alu75)+0.0013392627006396651f)*alu75)+0.009618384763598442f)*alu75)+0.055503472685813904f)*alu75)+0.24022644758224487f)*alu75)+0.6931471824645996f)*alu75)+1.0f)*__builtin_bit_cast(float, (int)(((alu72+127)<<23)))*__builtin_bit_cast(float, (int)((((cast8-alu72)+127)<<23)))));
    float alu78 = ((alu52<-150.0f)?0.0f:alu77);
    float alu79 = (((alu58<128.0f)!=1)?((float)(__builtin_inff())):(((((((((((((0.00015359208919107914f*alu76)+0.0013392627006396651f)*alu76)+0.009618384763598442f)*alu76)+0.055503472685813904f)*alu76)+0.24022644758224487f)*alu76)+0.6931471824645996f)*alu76)+1.0f)*__builtin_bit_cast(float, (int)(((alu73+127)<<23)))*__builtin_bit_cast(float, (int)((((cast9-alu73)+127)<<23)))));
    float alu80 = ((alu58<-150.0f)?0.0f:alu79);
    float alu81 = (alu53?((float)(__builtin_nanf(""))):alu78);
    float alu82 = (alu59?((float)(__builtin_nanf(""))):alu80);
    float alu83 = (((alu4<128.0f)!=1)?((float)(__builtin_inff())):(((((((((((((0.00015359208919107914f*alu74)+0.0013392627006396651f)*alu74)+0.009618384763598442f)*alu74)+0.055503472685813904f)*alu74)+0.24022644758224487f)*alu74)+0.6931471824645996f)*alu74)+1.0f)*__builtin_bit_cast(float, (int)(((alu64+127)<<23)))*__builtin_bit_cast(float, (int)((((cast0-alu64)+127)<<23)))));
    float alu84 = ((alu4<-150.0f)?0.0f:alu83);
    float alu85 = (alu5?((float)(__builtin_nanf(""))):alu84);
    float alu86 = (alu14-((float)(cast1)));
    float alu87 = (((alu10<128.0f)!=1)?((float)(__builtin_inff())):(((((((((((((0.00015359208919107914f*alu86)+0.0013392627006396651f)*alu86)+0.009618384763598442f)*alu86)+0.055503472685813904f)*alu86)+0.24022644758224487f)*alu86)+0.6931471824645996f)*alu86)+1.0f)*__builtin_bit_cast(float, (int)(((alu65+127)<<23)))*__builtin_bit_cast(float, (int)((((cast1-alu65)+127)<<23)))));
    float alu88 = ((alu10<-150.0f)?0.0f:alu87);
    float alu89 = (alu11?((float)(__builtin_nanf(""))):alu88);
    float alu90 = (alu20-((float)(cast2)));
    float alu91 = (((alu16<128.0f)!=1)?((float)(__builtin_inff())):(((((((((((((0.00015359208919107914f*alu90)+0.0013392627006396651f)*alu90)+0.009618384763598442f)*alu90)+0.055503472685813904f)*alu90)+0.24022644758224487f)*alu90)+0.6931471824645996f)*alu90)+1.0f)*__builtin_bit_cast(float, (int)(((alu66+127)<<23)))*__builtin_bit_cast(float, (int)((((cast2-alu66)+127)<<23)))));
    float alu92 = ((alu16<-150.0f)?0.0f:alu91);
    float alu93 = (alu17?((float)(__builtin_nanf(""))):alu92);
    float alu94 = (alu26-((float)(cast3)));
    float alu95 = (((alu22<128.0f)!=1)?((float)(__builtin_inff())):(((((((((((((0.00015359208919107914f*alu94)+0.0013392627006396651f)*alu94)+0.009618384763598442f)*alu94)+0.055503472685813904f)*alu94)+0.24022644758224487f)*alu94)+0.6931471824645996f)*alu94)+1.0f)*__builtin_bit_cast(float, (int)(((alu67+127)<<23)))*__builtin_bit_cast(float, (int)((((cast3-alu67)+127)<<23)))));
    float alu96 = ((alu22<-150.0f)?0.0f:alu95);
    float alu97 = (alu23?((float)(__builtin_nanf(""))):alu96);
    float alu98 = (alu32-((float)(cast4)));
    float alu99 = (((alu28<128.0f)!=1)?((float)(__builtin_inff())):(((((((((((((0.00015359208919107914f*alu98)+0.0013392627006396651f)*alu98)+0.009618384763598442f)*alu98)+0.055503472685813904f)*alu98)+0.24022644758224487f)*alu98)+0.6931471824645996f)*alu98)+1.0f)*__builtin_bit_cast(float, (int)(((alu68+127)<<23)))*__builtin_bit_cast(float, (int)((((cast4-alu68)+127)<<23)))));
    float alu100 = ((alu28<-150.0f)?0.0f:alu99);
    float alu101 = (alu29?((float)(__builtin_nanf(""))):alu100);
    float alu102 = (alu38-((float)(cast5)));
    float alu103 = (((alu34<128.0f)!=1)?((float)(__builtin_inff())):(((((((((((((0.00015359208919107914f*alu102)+0.0013392627006396651f)*alu102)+0.009618384763598442f)*alu102)+0.055503472685813904f)*alu102)+0.24022644758224487f)*alu102)+0.6931471824645996f)*alu102)+1.0f)*__builtin_bit_cast(float, (int)(((alu69+127)<<23)))*__builtin_bit_cast(float, (int)((((cast5-alu69)+127)<<23)))));
    float alu104 = ((alu34<-150.0f)?0.0f:alu103);
    float alu105 = (alu35?((float)(__builtin_nanf(""))):alu104);
    float alu106 = (alu44-((float)(cast6)));
    float alu107 = (((alu40<128.0f)!=1)?((float)(__builtin_inff())):(((((((((((((0.00015359208919107914f*alu106)+0.0013392627006396651f)*alu106)+0.009618384763598442f)*alu106)+0.055503472685813904f)*alu106)+0.24022644758224487f)*alu106)+0.6931471824645996f)*alu106)+1.0f)*__builtin_bit_cast(float, (int)(((alu70+127)<<23)))*__builtin_bit_cast(float, (int)((((cast6-alu70)+127)<<23)))));
    float alu108 = ((alu40<-150.0f)?0.0f:alu107);
    float alu109 = (alu41?((float)(__builtin_nanf(""))):alu108);
    float alu110 = (alu50-((float)(cast7)));
    float alu111 = (((alu46<128.0f)!=1)?((float)(__builtin_inff())):(((((((((((((0.00015359208919107914f*alu110)+0.0013392627006396651f)*alu110)+0.009618384763598442f)*alu110)+0.055503472685813904f)*alu110)+0.24022644758224487f)*alu110)+0.6931471824645996f)*alu110)+1.0f)*__builtin_bit_cast(float, (int)(((alu71+127)<<23)))*__builtin_bit_cast(float, (int)((((cast7-alu71)+127)<<23)))));
    float alu112 = ((alu46<-150.0f)?0.0f:alu111);
    float alu113 = (alu47?((float)(__builtin_nanf(""))):alu112);
    *(data0_32+Lidx2) = (((*(buf0+0))*(val2/val0))/(alu81+alu82+alu85+alu89+alu93+alu97+alu101+alu105+alu109+alu113));
  }
}
static __attribute__((noinline)) void k4_E_32_10(float* restrict data0_320, float* restrict data1_32, float* restrict data2_1, int* restrict data3_32, float* restrict data4_320, float* restrict data5_32, float* restrict data6_32) {
  float val0 = (*(data2_1+0));
  for (int Lidx0 = 0; Lidx0 < 32; Lidx0++) {
    int val1 = (*(data3_32+Lidx0));
    float val2 = (*(data1_32+Lidx0));
    float val3 = (*(data5_32+Lidx0));
    float val4 = (*(data6_32+Lidx0));
    for (int Lidx1 = 0; Lidx1 < 10; Lidx1++) {
      int alu0 = ((Lidx0*10)+Lidx1);
      float val5 = (*(data4_320+alu0));
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
      *(data0_320+alu0) = ((alu11*val4)-((val2/val0)*((float)((val1==Lidx1)))));
    }
  }
}
static __attribute__((noinline)) void k5_r_8_32_4_4_10(float* restrict data0_4096, float* restrict data1_4096, float* restrict data2_1280, float* restrict data3_320) {
  for (int Lidx1 = 0; Lidx1 < 8; Lidx1++) {
    int alu0 = (Lidx1*40);
    float4 val0 = (*((float4*)((data3_320+(alu0+4)))));
    float4 val1 = (*((float4*)((data3_320+(alu0+8)))));
    float4 val2 = (*((float4*)((data3_320+(alu0+12)))));
    float4 val3 = (*((float4*)((data3_320+(alu0+16)))));
    float4 val4 = (*((float4*)((data3_320+(alu0+20)))));
    float4 val5 = (*((float4*)((data3_320+(alu0+24)))));
    float4 val6 = (*((float4*)((data3_320+(alu0+28)))));
    float4 val7 = (*((float4*)((data3_320+(alu0+32)))));
    float4 val8 = (*((float4*)((data3_320+(alu0+36)))));
    float4 val9 = (*((float4*)((data3_320+alu0))));
    for (int Lidx2 = 0; Lidx2 < 32; Lidx2++) {
      int alu1 = ((Lidx1<<9)+(Lidx2<<2));
      int alu2 = (alu1+128);
      float4 val10 = (*((float4*)((data1_4096+alu2))));
      int alu3 = (alu1+256);
      float4 val11 = (*((float4*)((data1_4096+alu3))));
      int alu4 = (alu1+384);
      float4 val12 = (*((float4*)((data1_4096+alu4))));
      float4 val13 = (*((float4*)((data1_4096+alu1))));
      int alu5 = (Lidx2*40);
      float4 val14 = (*((float4*)((data2_1280+(alu5+4)))));
      float4 val15 = (*((float4*)((data2_1280+(alu5+8)))));
      float4 val16 = (*((float4*)((data2_1280+(alu5+12)))));
      float4 val17 = (*((float4*)((data2_1280+(alu5+16)))));
      float4 val18 = (*((float4*)((data2_1280+(alu5+20)))));
      float4 val19 = (*((float4*)((data2_1280+(alu5+24)))));
      float4 val20 = (*((float4*)((data2_1280+(alu5+28)))));
      float4 val21 = (*((float4*)((data2_1280+(alu5+32)))));
      float4 val22 = (*((float4*)((data2_1280+(alu5+36)))));
      float4 val23 = (*((float4*)((data2_1280+alu5))));
      float alu6 = ((0.0f<val10[0])?((val23[0]*val1[2])+(val23[1]*val1[3])+(val23[2]*val2[0])+(val23[3]*val2[1])+(val14[0]*val2[2])+(val14[1]*val2[3])+(val14[2]*val3[0])+(val14[3]*val3[1])+(val15[0]*val3[2])+(val15[1]*val3[3])):0.0f);
      float alu7 = ((0.0f<val10[1])?((val15[2]*val1[2])+(val15[3]*val1[3])+(val16[0]*val2[0])+(val16[1]*val2[1])+(val16[2]*val2[2])+(val16[3]*val2[3])+(val17[0]*val3[0])+(val17[1]*val3[1])+(val17[2]*val3[2])+(val17[3]*val3[3])):0.0f);
      float alu8 = ((0.0f<val10[2])?((val18[0]*val1[2])+(val18[1]*val1[3])+(val18[2]*val2[0])+(val18[3]*val2[1])+(val19[0]*val2[2])+(val19[1]*val2[3])+(val19[2]*val3[0])+(val19[3]*val3[1])+(val20[0]*val3[2])+(val20[1]*val3[3])):0.0f);
      float alu9 = ((0.0f<val10[3])?((val20[2]*val1[2])+(val20[3]*val1[3])+(val21[0]*val2[0])+(val21[1]*val2[1])+(val21[2]*val2[2])+(val21[3]*val2[3])+(val22[0]*val3[0])+(val22[1]*val3[1])+(val22[2]*val3[2])+(val22[3]*val3[3])):0.0f);
      float alu10 = ((0.0f<val11[0])?((val23[0]*val4[0])+(val23[1]*val4[1])+(val23[2]*val4[2])+(val23[3]*val4[3])+(val14[0]*val5[0])+(val14[1]*val5[1])+(val14[2]*val5[2])+(val14[3]*val5[3])+(val15[0]*val6[0])+(val15[1]*val6[1])):0.0f);
      float alu11 = ((0.0f<val11[1])?((val15[2]*val4[0])+(val15[3]*val4[1])+(val16[0]*val4[2])+(val16[1]*val4[3])+(val16[2]*val5[0])+(val16[3]*val5[1])+(val17[0]*val5[2])+(val17[1]*val5[3])+(val17[2]*val6[0])+(val17[3]*val6[1])):0.0f);
      float alu12 = ((0.0f<val11[2])?((val18[0]*val4[0])+(val18[1]*val4[1])+(val18[2]*val4[2])+(val18[3]*val4[3])+(val19[0]*val5[0])+(val19[1]*val5[1])+(val19[2]*val5[2])+(val19[3]*val5[3])+(val20[0]*val6[0])+(val20[1]*val6[1])):0.0f);
      float alu13 = ((0.0f<val11[3])?((val20[2]*val4[0])+(val20[3]*val4[1])+(val21[0]*val4[2])+(val21[1]*val4[3])+(val21[2]*val5[0])+(val21[3]*val5[1])+(val22[0]*val5[2])+(val22[1]*val5[3])+(val22[2]*val6[0])+(val22[3]*val6[1])):0.0f);
      float alu14 = ((0.0f<val12[0])?((val23[0]*val6[2])+(val23[1]*val6[3])+(val23[2]*val7[0])+(val23[3]*val7[1])+(val14[0]*val7[2])+(val14[1]*val7[3])+(val14[2]*val8[0])+(val14[3]*val8[1])+(val15[0]*val8[2])+(val15[1]*val8[3])):0.0f);
      float alu15 = ((0.0f<val12[1])?((val15[2]*val6[2])+(val15[3]*val6[3])+(val16[0]*val7[0])+(val16[1]*val7[1])+(val16[2]*val7[2])+(val16[3]*val7[3])+(val17[0]*val8[0])+(val17[1]*val8[1])+(val17[2]*val8[2])+(val17[3]*val8[3])):0.0f);
      float alu16 = ((0.0f<val12[2])?((val18[0]*val6[2])+(val18[1]*val6[3])+(val18[2]*val7[0])+(val18[3]*val7[1])+(val19[0]*val7[2])+(val19[1]*val7[3])+(val19[2]*val8[0])+(val19[3]*val8[1])+(val20[0]*val8[2])+(val20[1]*val8[3])):0.0f);
      float alu17 = ((0.0f<val12[3])?((val20[2]*val6[2])+(val20[3]*val6[3])+(val21[0]*val7[0])+(val21[1]*val7[1])+(val21[2]*val7[2])+(val21[3]*val7[3])+(val22[0]*val8[0])+(val22[1]*val8[1])+(val22[2]*val8[2])+(val22[3]*val8[3])):0.0f);
      float alu18 = ((0.0f<val13[0])?((val23[0]*val9[0])+(val23[1]*val9[1])+(val23[2]*val9[2])+(val23[3]*val9[3])+(val14[0]*val0[0])+(val14[1]*val0[1])+(val14[2]*val0[2])+(val14[3]*val0[3])+(val15[0]*val1[0])+(val15[1]*val1[1])):0.0f);
      float alu19 = ((0.0f<val13[1])?((val15[2]*val9[0])+(val15[3]*val9[1])+(val16[0]*val9[2])+(val16[1]*val9[3])+(val16[2]*val0[0])+(val16[3]*val0[1])+(val17[0]*val0[2])+(val17[1]*val0[3])+(val17[2]*val1[0])+(val17[3]*val1[1])):0.0f);
      float alu20 = ((0.0f<val13[2])?((val18[0]*val9[0])+(val18[1]*val9[1])+(val18[2]*val9[2])+(val18[3]*val9[3])+(val19[0]*val0[0])+(val19[1]*val0[1])+(val19[2]*val0[2])+(val19[3]*val0[3])+(val20[0]*val1[0])+(val20[1]*val1[1])):0.0f);
      float alu21 = ((0.0f<val13[3])?((val20[2]*val9[0])+(val20[3]*val9[1])+(val21[0]*val9[2])+(val21[1]*val9[3])+(val21[2]*val0[0])+(val21[3]*val0[1])+(val22[0]*val0[2])+(val22[1]*val0[3])+(val22[2]*val1[0])+(val22[3]*val1[1])):0.0f);
      *((float4*)((data0_4096+alu2))) = (float4){alu6,alu7,alu8,alu9};
      *((float4*)((data0_4096+alu3))) = (float4){alu10,alu11,alu12,alu13};
      *((float4*)((data0_4096+alu4))) = (float4){alu14,alu15,alu16,alu17};
      *((float4*)((data0_4096+alu1))) = (float4){alu18,alu19,alu20,alu21};
    }
  }
}
static __attribute__((noinline)) void k6_r_32_10_4_32(float* restrict data0_1280, float* restrict data1_1280, float* restrict data2_1, float* restrict data3_4096, float* restrict data4_320) {
  float val0 = (*(data2_1+0));
  for (int Lidx1 = 0; Lidx1 < 32; Lidx1++) {
    int alu0 = (Lidx1<<2);
    float4 val1 = (*((float4*)((data3_4096+(alu0+128)))));
    float4 val2 = (*((float4*)((data3_4096+(alu0+256)))));
    float4 val3 = (*((float4*)((data3_4096+(alu0+384)))));
    float4 val4 = (*((float4*)((data3_4096+(alu0+512)))));
    float4 val5 = (*((float4*)((data3_4096+(alu0+640)))));
    float4 val6 = (*((float4*)((data3_4096+(alu0+768)))));
    float4 val7 = (*((float4*)((data3_4096+(alu0+896)))));
    float4 val8 = (*((float4*)((data3_4096+(alu0+1024)))));
    float4 val9 = (*((float4*)((data3_4096+(alu0+1152)))));
    float4 val10 = (*((float4*)((data3_4096+(alu0+1280)))));
    float4 val11 = (*((float4*)((data3_4096+(alu0+1408)))));
    float4 val12 = (*((float4*)((data3_4096+(alu0+1536)))));
    float4 val13 = (*((float4*)((data3_4096+(alu0+1664)))));
    float4 val14 = (*((float4*)((data3_4096+(alu0+1792)))));
    float4 val15 = (*((float4*)((data3_4096+(alu0+1920)))));
    float4 val16 = (*((float4*)((data3_4096+(alu0+2048)))));
    float4 val17 = (*((float4*)((data3_4096+(alu0+2176)))));
    float4 val18 = (*((float4*)((data3_4096+(alu0+2304)))));
    float4 val19 = (*((float4*)((data3_4096+(alu0+2432)))));
    float4 val20 = (*((float4*)((data3_4096+(alu0+2560)))));
    float4 val21 = (*((float4*)((data3_4096+(alu0+2688)))));
    float4 val22 = (*((float4*)((data3_4096+(alu0+2816)))));
    float4 val23 = (*((float4*)((data3_4096+(alu0+2944)))));
    float4 val24 = (*((float4*)((data3_4096+(alu0+3072)))));
    float4 val25 = (*((float4*)((data3_4096+(alu0+3200)))));
    float4 val26 = (*((float4*)((data3_4096+(alu0+3328)))));
    float4 val27 = (*((float4*)((data3_4096+(alu0+3456)))));
    float4 val28 = (*((float4*)((data3_4096+(alu0+3584)))));
    float4 val29 = (*((float4*)((data3_4096+(alu0+3712)))));
    float4 val30 = (*((float4*)((data3_4096+(alu0+3840)))));
    float4 val31 = (*((float4*)((data3_4096+(alu0+3968)))));
    float4 val32 = (*((float4*)((data3_4096+alu0))));
    float alu1 = ((0.0f<val1[0])?val1[0]:0.0f);
    float alu2 = ((0.0f<val1[1])?val1[1]:0.0f);
    float alu3 = ((0.0f<val1[2])?val1[2]:0.0f);
    float alu4 = ((0.0f<val1[3])?val1[3]:0.0f);
    float alu5 = ((0.0f<val2[0])?val2[0]:0.0f);
    float alu6 = ((0.0f<val2[1])?val2[1]:0.0f);
    float alu7 = ((0.0f<val2[2])?val2[2]:0.0f);
    float alu8 = ((0.0f<val2[3])?val2[3]:0.0f);
    float alu9 = ((0.0f<val3[0])?val3[0]:0.0f);
    float alu10 = ((0.0f<val3[1])?val3[1]:0.0f);
    float alu11 = ((0.0f<val3[2])?val3[2]:0.0f);
    float alu12 = ((0.0f<val3[3])?val3[3]:0.0f);
    float alu13 = ((0.0f<val4[0])?val4[0]:0.0f);
    float alu14 = ((0.0f<val4[1])?val4[1]:0.0f);
    float alu15 = ((0.0f<val4[2])?val4[2]:0.0f);
    float alu16 = ((0.0f<val4[3])?val4[3]:0.0f);
    float alu17 = ((0.0f<val5[0])?val5[0]:0.0f);
    float alu18 = ((0.0f<val5[1])?val5[1]:0.0f);
    float alu19 = ((0.0f<val5[2])?val5[2]:0.0f);
    float alu20 = ((0.0f<val5[3])?val5[3]:0.0f);
    float alu21 = ((0.0f<val6[0])?val6[0]:0.0f);
    float alu22 = ((0.0f<val6[1])?val6[1]:0.0f);
    float alu23 = ((0.0f<val6[2])?val6[2]:0.0f);
    float alu24 = ((0.0f<val6[3])?val6[3]:0.0f);
    float alu25 = ((0.0f<val7[0])?val7[0]:0.0f);
    float alu26 = ((0.0f<val7[1])?val7[1]:0.0f);
    float alu27 = ((0.0f<val7[2])?val7[2]:0.0f);
    float alu28 = ((0.0f<val7[3])?val7[3]:0.0f);
    float alu29 = ((0.0f<val8[0])?val8[0]:0.0f);
    float alu30 = ((0.0f<val8[1])?val8[1]:0.0f);
    float alu31 = ((0.0f<val8[2])?val8[2]:0.0f);
    float alu32 = ((0.0f<val8[3])?val8[3]:0.0f);
    float alu33 = ((0.0f<val9[0])?val9[0]:0.0f);
    float alu34 = ((0.0f<val9[1])?val9[1]:0.0f);
    float alu35 = ((0.0f<val9[2])?val9[2]:0.0f);
    float alu36 = ((0.0f<val9[3])?val9[3]:0.0f);
    float alu37 = ((0.0f<val10[0])?val10[0]:0.0f);
    float alu38 = ((0.0f<val10[1])?val10[1]:0.0f);
    float alu39 = ((0.0f<val10[2])?val10[2]:0.0f);
    float alu40 = ((0.0f<val10[3])?val10[3]:0.0f);
    float alu41 = ((0.0f<val11[0])?val11[0]:0.0f);
    float alu42 = ((0.0f<val11[1])?val11[1]:0.0f);
    float alu43 = ((0.0f<val11[2])?val11[2]:0.0f);
    float alu44 = ((0.0f<val11[3])?val11[3]:0.0f);
    float alu45 = ((0.0f<val12[0])?val12[0]:0.0f);
    float alu46 = ((0.0f<val12[1])?val12[1]:0.0f);
    float alu47 = ((0.0f<val12[2])?val12[2]:0.0f);
    float alu48 = ((0.0f<val12[3])?val12[3]:0.0f);
    float alu49 = ((0.0f<val13[0])?val13[0]:0.0f);
    float alu50 = ((0.0f<val13[1])?val13[1]:0.0f);
    float alu51 = ((0.0f<val13[2])?val13[2]:0.0f);
    float alu52 = ((0.0f<val13[3])?val13[3]:0.0f);
    float alu53 = ((0.0f<val14[0])?val14[0]:0.0f);
    float alu54 = ((0.0f<val14[1])?val14[1]:0.0f);
    float alu55 = ((0.0f<val14[2])?val14[2]:0.0f);
    float alu56 = ((0.0f<val14[3])?val14[3]:0.0f);
    float alu57 = ((0.0f<val15[0])?val15[0]:0.0f);
    float alu58 = ((0.0f<val15[1])?val15[1]:0.0f);
    float alu59 = ((0.0f<val15[2])?val15[2]:0.0f);
    float alu60 = ((0.0f<val15[3])?val15[3]:0.0f);
    float alu61 = ((0.0f<val16[0])?val16[0]:0.0f);
    float alu62 = ((0.0f<val16[1])?val16[1]:0.0f);
    float alu63 = ((0.0f<val16[2])?val16[2]:0.0f);
    float alu64 = ((0.0f<val16[3])?val16[3]:0.0f);
    float alu65 = ((0.0f<val17[0])?val17[0]:0.0f);
    float alu66 = ((0.0f<val17[1])?val17[1]:0.0f);
    float alu67 = ((0.0f<val17[2])?val17[2]:0.0f);
    float alu68 = ((0.0f<val17[3])?val17[3]:0.0f);
    float alu69 = ((0.0f<val18[0])?val18[0]:0.0f);
    float alu70 = ((0.0f<val18[1])?val18[1]:0.0f);
    float alu71 = ((0.0f<val18[2])?val18[2]:0.0f);
    float alu72 = ((0.0f<val18[3])?val18[3]:0.0f);
    float alu73 = ((0.0f<val19[0])?val19[0]:0.0f);
    float alu74 = ((0.0f<val19[1])?val19[1]:0.0f);
    float alu75 = ((0.0f<val19[2])?val19[2]:0.0f);
    float alu76 = ((0.0f<val19[3])?val19[3]:0.0f);
    float alu77 = ((0.0f<val20[0])?val20[0]:0.0f);
    float alu78 = ((0.0f<val20[1])?val20[1]:0.0f);
    float alu79 = ((0.0f<val20[2])?val20[2]:0.0f);
    float alu80 = ((0.0f<val20[3])?val20[3]:0.0f);
    float alu81 = ((0.0f<val21[0])?val21[0]:0.0f);
    float alu82 = ((0.0f<val21[1])?val21[1]:0.0f);
    float alu83 = ((0.0f<val21[2])?val21[2]:0.0f);
    float alu84 = ((0.0f<val21[3])?val21[3]:0.0f);
    float alu85 = ((0.0f<val22[0])?val22[0]:0.0f);
    float alu86 = ((0.0f<val22[1])?val22[1]:0.0f);
    float alu87 = ((0.0f<val22[2])?val22[2]:0.0f);
    float alu88 = ((0.0f<val22[3])?val22[3]:0.0f);
    float alu89 = ((0.0f<val23[0])?val23[0]:0.0f);
    float alu90 = ((0.0f<val23[1])?val23[1]:0.0f);
    float alu91 = ((0.0f<val23[2])?val23[2]:0.0f);
    float alu92 = ((0.0f<val23[3])?val23[3]:0.0f);
    float alu93 = ((0.0f<val24[0])?val24[0]:0.0f);
    float alu94 = ((0.0f<val24[1])?val24[1]:0.0f);
    float alu95 = ((0.0f<val24[2])?val24[2]:0.0f);
    float alu96 = ((0.0f<val24[3])?val24[3]:0.0f);
    float alu97 = ((0.0f<val25[0])?val25[0]:0.0f);
    float alu98 = ((0.0f<val25[1])?val25[1]:0.0f);
    float alu99 = ((0.0f<val25[2])?val25[2]:0.0f);
    float alu100 = ((0.0f<val25[3])?val25[3]:0.0f);
    float alu101 = ((0.0f<val26[0])?val26[0]:0.0f);
    float alu102 = ((0.0f<val26[1])?val26[1]:0.0f);
    float alu103 = ((0.0f<val26[2])?val26[2]:0.0f);
    float alu104 = ((0.0f<val26[3])?val26[3]:0.0f);
    float alu105 = ((0.0f<val27[0])?val27[0]:0.0f);
    float alu106 = ((0.0f<val27[1])?val27[1]:0.0f);
    float alu107 = ((0.0f<val27[2])?val27[2]:0.0f);
    float alu108 = ((0.0f<val27[3])?val27[3]:0.0f);
    float alu109 = ((0.0f<val28[0])?val28[0]:0.0f);
    float alu110 = ((0.0f<val28[1])?val28[1]:0.0f);
    float alu111 = ((0.0f<val28[2])?val28[2]:0.0f);
    float alu112 = ((0.0f<val28[3])?val28[3]:0.0f);
    float alu113 = ((0.0f<val29[0])?val29[0]:0.0f);
    float alu114 = ((0.0f<val29[1])?val29[1]:0.0f);
    float alu115 = ((0.0f<val29[2])?val29[2]:0.0f);
    float alu116 = ((0.0f<val29[3])?val29[3]:0.0f);
    float alu117 = ((0.0f<val30[0])?val30[0]:0.0f);
    float alu118 = ((0.0f<val30[1])?val30[1]:0.0f);
    float alu119 = ((0.0f<val30[2])?val30[2]:0.0f);
    float alu120 = ((0.0f<val30[3])?val30[3]:0.0f);
    float alu121 = ((0.0f<val31[0])?val31[0]:0.0f);
    float alu122 = ((0.0f<val31[1])?val31[1]:0.0f);
    float alu123 = ((0.0f<val31[2])?val31[2]:0.0f);
    float alu124 = ((0.0f<val31[3])?val31[3]:0.0f);
    float alu125 = ((0.0f<val32[0])?val32[0]:0.0f);
    float alu126 = ((0.0f<val32[1])?val32[1]:0.0f);
    float alu127 = ((0.0f<val32[2])?val32[2]:0.0f);
    float alu128 = ((0.0f<val32[3])?val32[3]:0.0f);
    for (int Lidx2 = 0; Lidx2 < 10; Lidx2++) {
      int alu129 = ((Lidx1*40)+Lidx2);
      int alu130 = (alu129+10);
      float val33 = (*(data1_1280+alu130));
      int alu131 = (alu129+20);
      float val34 = (*(data1_1280+alu131));
      int alu132 = (alu129+30);
      float val35 = (*(data1_1280+alu132));
      float val36 = (*(data1_1280+alu129));
      float val37 = (*(data4_320+(Lidx2+10)));
      float val38 = (*(data4_320+(Lidx2+20)));
      float val39 = (*(data4_320+(Lidx2+30)));
      float val40 = (*(data4_320+(Lidx2+40)));
      float val41 = (*(data4_320+(Lidx2+50)));
      float val42 = (*(data4_320+(Lidx2+60)));
      float val43 = (*(data4_320+(Lidx2+70)));
      float val44 = (*(data4_320+(Lidx2+80)));
      float val45 = (*(data4_320+(Lidx2+90)));
      float val46 = (*(data4_320+(Lidx2+100)));
      float val47 = (*(data4_320+(Lidx2+110)));
      float val48 = (*(data4_320+(Lidx2+120)));
      float val49 = (*(data4_320+(Lidx2+130)));
      float val50 = (*(data4_320+(Lidx2+140)));
      float val51 = (*(data4_320+(Lidx2+150)));
      float val52 = (*(data4_320+(Lidx2+160)));
      float val53 = (*(data4_320+(Lidx2+170)));
      float val54 = (*(data4_320+(Lidx2+180)));
      float val55 = (*(data4_320+(Lidx2+190)));
      float val56 = (*(data4_320+(Lidx2+200)));
      float val57 = (*(data4_320+(Lidx2+210)));
      float val58 = (*(data4_320+(Lidx2+220)));
      float val59 = (*(data4_320+(Lidx2+230)));
      float val60 = (*(data4_320+(Lidx2+240)));
      float val61 = (*(data4_320+(Lidx2+250)));
      float val62 = (*(data4_320+(Lidx2+260)));
      float val63 = (*(data4_320+(Lidx2+270)));
      float val64 = (*(data4_320+(Lidx2+280)));
      float val65 = (*(data4_320+(Lidx2+290)));
      float val66 = (*(data4_320+(Lidx2+300)));
      float val67 = (*(data4_320+(Lidx2+310)));
      float val68 = (*(data4_320+Lidx2));
      *(data0_1280+alu130) = (val33-(val0*((alu126*val68)+(alu2*val37)+(alu6*val38)+(alu10*val39)+(alu14*val40)+(alu18*val41)+(alu22*val42)+(alu26*val43)+(alu30*val44)+(alu34*val45)+(alu38*val46)+(alu42*val47)+(alu46*val48)+(alu50*val49)+(alu54*val50)+(alu58*val51)+(alu62*val52)+(alu66*val53)+(alu70*val54)+(alu74*val55)+(alu78*val56)+(alu82*val57)+(alu86*val58)+(alu90*val59)+(alu94*val60)+(alu98*val61)+(alu102*val62)+(alu106*val63)+(alu110*val64)+(alu114*val65)+(alu118*val66)+(alu122*val67))));
      *(data0_1280+alu131) = (val34-(val0*((alu127*val68)+(alu3*val37)+(alu7*val38)+(alu11*val39)+(alu15*val40)+(alu19*val41)+(alu23*val42)+(alu27*val43)+(alu31*val44)+(alu35*val45)+(alu39*val46)+(alu43*val47)+(alu47*val48)+(alu51*val49)+(alu55*val50)+(alu59*val51)+(alu63*val52)+(alu67*val53)+(alu71*val54)+(alu75*val55)+(alu79*val56)+(alu83*val57)+(alu87*val58)+(alu91*val59)+(alu95*val60)+(alu99*val61)+(alu103*val62)+(alu107*val63)+(alu111*val64)+(alu115*val65)+(alu119*val66)+(alu123*val67))));
      *(data0_1280+alu132) = (val35-(val0*((alu128*val68)+(alu4*val37)+(alu8*val38)+(alu12*val39)+(alu16*val40)+(alu20*val41)+(alu24*val42)+(alu28*val43)+(alu32*val44)+(alu36*val45)+(alu40*val46)+(alu44*val47)+(alu48*val48)+(alu52*val49)+(alu56*val50)+(alu60*val51)+(alu64*val52)+(alu68*val53)+(alu72*val54)+(alu76*val55)+(alu80*val56)+(alu84*val57)+(alu88*val58)+(alu92*val59)+(alu96*val60)+(alu100*val61)+(alu104*val62)+(alu108*val63)+(alu112*val64)+(alu116*val65)+(alu120*val66)+(alu124*val67))));
      *(data0_1280+alu129) = (val36-(val0*((alu125*val68)+(alu1*val37)+(alu5*val38)+(alu9*val39)+(alu13*val40)+(alu17*val41)+(alu21*val42)+(alu25*val43)+(alu29*val44)+(alu33*val45)+(alu37*val46)+(alu41*val47)+(alu45*val48)+(alu49*val49)+(alu53*val50)+(alu57*val51)+(alu61*val52)+(alu65*val53)+(alu69*val54)+(alu73*val55)+(alu77*val56)+(alu81*val57)+(alu85*val58)+(alu89*val59)+(alu93*val60)+(alu97*val61)+(alu101*val62)+(alu105*val63)+(alu109*val64)+(alu113*val65)+(alu117*val66)+(alu121*val67))));
    }
  }
}
static __attribute__((noinline)) void k7_r_10_32(float* restrict data0_10, float* restrict data1_10, float* restrict data2_1, float* restrict data3_320) {
  float val0 = (*(data2_1+0));
  for (int Lidx1 = 0; Lidx1 < 10; Lidx1++) {
    float val1 = (*(data1_10+Lidx1));
    float val2 = (*(data3_320+(Lidx1+10)));
    float val3 = (*(data3_320+(Lidx1+20)));
    float val4 = (*(data3_320+(Lidx1+30)));
    float val5 = (*(data3_320+(Lidx1+40)));
    float val6 = (*(data3_320+(Lidx1+50)));
    float val7 = (*(data3_320+(Lidx1+60)));
    float val8 = (*(data3_320+(Lidx1+70)));
    float val9 = (*(data3_320+(Lidx1+80)));
    float val10 = (*(data3_320+(Lidx1+90)));
    float val11 = (*(data3_320+(Lidx1+100)));
    float val12 = (*(data3_320+(Lidx1+110)));
    float val13 = (*(data3_320+(Lidx1+120)));
    float val14 = (*(data3_320+(Lidx1+130)));
    float val15 = (*(data3_320+(Lidx1+140)));
    float val16 = (*(data3_320+(Lidx1+150)));
    float val17 = (*(data3_320+(Lidx1+160)));
    float val18 = (*(data3_320+(Lidx1+170)));
    float val19 = (*(data3_320+(Lidx1+180)));
    float val20 = (*(data3_320+(Lidx1+190)));
    float val21 = (*(data3_320+(Lidx1+200)));
    float val22 = (*(data3_320+(Lidx1+210)));
    float val23 = (*(data3_320+(Lidx1+220)));
    float val24 = (*(data3_320+(Lidx1+230)));
    float val25 = (*(data3_320+(Lidx1+240)));
    float val26 = (*(data3_320+(Lidx1+250)));
    float val27 = (*(data3_320+(Lidx1+260)));
    float val28 = (*(data3_320+(Lidx1+270)));
    float val29 = (*(data3_320+(Lidx1+280)));
    float val30 = (*(data3_320+(Lidx1+290)));
    float val31 = (*(data3_320+(Lidx1+300)));
    float val32 = (*(data3_320+(Lidx1+310)));
    float val33 = (*(data3_320+Lidx1));
    *(data0_10+Lidx1) = (val1-(val0*(val33+val2+val3+val4+val5+val6+val7+val8+val9+val10+val11+val12+val13+val14+val15+val16+val17+val18+val19+val20+val21+val22+val23+val24+val25+val26+val27+val28+val29+val30+val31+val32)));
  }
}
static __attribute__((noinline)) void k8_r_16_32_4_4_32(float* restrict data0_8192, float* restrict data1_8192, float* restrict data2_1, float* restrict data3_2048, float* restrict data4_4096) {
  float val0 = (*(data2_1+0));
  for (int Lidx1 = 0; Lidx1 < 16; Lidx1++) {
    int alu0 = (Lidx1<<2);
    float4 val1 = (*((float4*)((data3_2048+(alu0+64)))));
    float4 val2 = (*((float4*)((data3_2048+(alu0+128)))));
    float4 val3 = (*((float4*)((data3_2048+(alu0+192)))));
    float4 val4 = (*((float4*)((data3_2048+(alu0+256)))));
    float4 val5 = (*((float4*)((data3_2048+(alu0+320)))));
    float4 val6 = (*((float4*)((data3_2048+(alu0+384)))));
    float4 val7 = (*((float4*)((data3_2048+(alu0+448)))));
    float4 val8 = (*((float4*)((data3_2048+(alu0+512)))));
    float4 val9 = (*((float4*)((data3_2048+(alu0+576)))));
    float4 val10 = (*((float4*)((data3_2048+(alu0+640)))));
    float4 val11 = (*((float4*)((data3_2048+(alu0+704)))));
    float4 val12 = (*((float4*)((data3_2048+(alu0+768)))));
    float4 val13 = (*((float4*)((data3_2048+(alu0+832)))));
    float4 val14 = (*((float4*)((data3_2048+(alu0+896)))));
    float4 val15 = (*((float4*)((data3_2048+(alu0+960)))));
    float4 val16 = (*((float4*)((data3_2048+(alu0+1024)))));
    float4 val17 = (*((float4*)((data3_2048+(alu0+1088)))));
    float4 val18 = (*((float4*)((data3_2048+(alu0+1152)))));
    float4 val19 = (*((float4*)((data3_2048+(alu0+1216)))));
    float4 val20 = (*((float4*)((data3_2048+(alu0+1280)))));
    float4 val21 = (*((float4*)((data3_2048+(alu0+1344)))));
    float4 val22 = (*((float4*)((data3_2048+(alu0+1408)))));
    float4 val23 = (*((float4*)((data3_2048+(alu0+1472)))));
    float4 val24 = (*((float4*)((data3_2048+(alu0+1536)))));
    float4 val25 = (*((float4*)((data3_2048+(alu0+1600)))));
    float4 val26 = (*((float4*)((data3_2048+(alu0+1664)))));
    float4 val27 = (*((float4*)((data3_2048+(alu0+1728)))));
    float4 val28 = (*((float4*)((data3_2048+(alu0+1792)))));
    float4 val29 = (*((float4*)((data3_2048+(alu0+1856)))));
    float4 val30 = (*((float4*)((data3_2048+(alu0+1920)))));
    float4 val31 = (*((float4*)((data3_2048+(alu0+1984)))));
    float4 val32 = (*((float4*)((data3_2048+alu0))));
    for (int Lidx2 = 0; Lidx2 < 32; Lidx2++) {
      int alu1 = (Lidx2<<2);
      int alu2 = ((Lidx1<<9)+alu1);
      int alu3 = (alu2+128);
      float4 val33 = (*((float4*)((data1_8192+alu3))));
      int alu4 = (alu2+256);
      float4 val34 = (*((float4*)((data1_8192+alu4))));
      int alu5 = (alu2+384);
      float4 val35 = (*((float4*)((data1_8192+alu5))));
      float4 val36 = (*((float4*)((data1_8192+alu2))));
      float4 val37 = (*((float4*)((data4_4096+(alu1+128)))));
      float4 val38 = (*((float4*)((data4_4096+(alu1+256)))));
      float4 val39 = (*((float4*)((data4_4096+(alu1+384)))));
      float4 val40 = (*((float4*)((data4_4096+(alu1+512)))));
      float4 val41 = (*((float4*)((data4_4096+(alu1+640)))));
      float4 val42 = (*((float4*)((data4_4096+(alu1+768)))));
      float4 val43 = (*((float4*)((data4_4096+(alu1+896)))));
      float4 val44 = (*((float4*)((data4_4096+(alu1+1024)))));
      float4 val45 = (*((float4*)((data4_4096+(alu1+1152)))));
      float4 val46 = (*((float4*)((data4_4096+(alu1+1280)))));
      float4 val47 = (*((float4*)((data4_4096+(alu1+1408)))));
      float4 val48 = (*((float4*)((data4_4096+(alu1+1536)))));
      float4 val49 = (*((float4*)((data4_4096+(alu1+1664)))));
      float4 val50 = (*((float4*)((data4_4096+(alu1+1792)))));
      float4 val51 = (*((float4*)((data4_4096+(alu1+1920)))));
      float4 val52 = (*((float4*)((data4_4096+(alu1+2048)))));
      float4 val53 = (*((float4*)((data4_4096+(alu1+2176)))));
      float4 val54 = (*((float4*)((data4_4096+(alu1+2304)))));
      float4 val55 = (*((float4*)((data4_4096+(alu1+2432)))));
      float4 val56 = (*((float4*)((data4_4096+(alu1+2560)))));
      float4 val57 = (*((float4*)((data4_4096+(alu1+2688)))));
      float4 val58 = (*((float4*)((data4_4096+(alu1+2816)))));
      float4 val59 = (*((float4*)((data4_4096+(alu1+2944)))));
      float4 val60 = (*((float4*)((data4_4096+(alu1+3072)))));
      float4 val61 = (*((float4*)((data4_4096+(alu1+3200)))));
      float4 val62 = (*((float4*)((data4_4096+(alu1+3328)))));
      float4 val63 = (*((float4*)((data4_4096+(alu1+3456)))));
      float4 val64 = (*((float4*)((data4_4096+(alu1+3584)))));
      float4 val65 = (*((float4*)((data4_4096+(alu1+3712)))));
      float4 val66 = (*((float4*)((data4_4096+(alu1+3840)))));
      float4 val67 = (*((float4*)((data4_4096+(alu1+3968)))));
      float4 val68 = (*((float4*)((data4_4096+alu1))));
      *((float4*)((data0_8192+alu3))) = (float4){(val33[0]-(val0*((val32[1]*val68[0])+(val1[1]*val37[0])+(val2[1]*val38[0])+(val3[1]*val39[0])+(val4[1]*val40[0])+(val5[1]*val41[0])+(val6[1]*val42[0])+(val7[1]*val43[0])+(val8[1]*val44[0])+(val9[1]*val45[0])+(val10[1]*val46[0])+(val11[1]*val47[0])+(val12[1]*val48[0])+(val13[1]*val49[0])+(val14[1]*val50[0])+(val15[1]*val51[0])+(val16[1]*val52[0])+(val17[1]*val53[0])+(val18[1]*val54[0])+(val19[1]*val55[0])+(val20[1]*val56[0])+(val21[1]*val57[0])+(val22[1]*val58[0])+(val23[1]*val59[0])+(val24[1]*val60[0])+(val25[1]*val61[0])+(val26[1]*val62[0])+(val27[1]*val63[0])+(val28[1]*val64[0])+(val29[1]*val65[0])+(val30[1]*val66[0])+(val31[1]*val67[0])))),(val33[1]-(val0*((val32[1]*val68[1])+(val1[1]*val37[1])+(val2[1]*val38[1])+(val3[1]*val39[1])+(val4[1]*val40[1])+(val5[1]*val41[1])+(val6[1]*val42[1])+(val7[1]*val43[1])+(val8[1]*val44[1])+(val9[1]*val45[1])+(val10[1]*val46[1])+(val11[1]*val47[1])+(val12[1]*val48[1])+(val13[1]*val49[1])+(val14[1]*val50[1])+(val15[1]*val51[1])+(val16[1]*val52[1])+(val17[1]*val53[1])+(val18[1]*val54[1])+(val19[1]*val55[1])+(val20[1]*val56[1])+(val21[1]*val57[1])+(val22[1]*val58[1])+(val23[1]*val59[1])+(val24[1]*val60[1])+(val25[1]*val61[1])+(val26[1]*val62[1])+(val27[1]*val63[1])+(val28[1]*val64[1])+(val29[1]*val65[1])+(val30[1]*val66[1])+(val31[1]*val67[1])))),(val33[2]-(val0*((val32[1]*val68[2])+(val1[1]*val37[2])+(val2[1]*val38[2])+(val3[1]*val39[2])+(val4[1]*val40[2])+(val5[1]*val41[2])+(val6[1]*val42[2])+(val7[1]*val43[2])+(val8[1]*val44[2])+(val9[1]*val45[2])+(val10[1]*val46[2])+(val11[1]*val47[2])+(val12[1]*val48[2])+(val13[1]*val49[2])+(val14[1]*val50[2])+(val15[1]*val51[2])+(val16[1]*val52[2])+(val17[1]*val53[2])+(val18[1]*val54[2])+(val19[1]*val55[2])+(val20[1]*val56[2])+(val21[1]*val57[2])+(val22[1]*val58[2])+(val23[1]*val59[2])+(val24[1]*val60[2])+(val25[1]*val61[2])+(val26[1]*val62[2])+(val27[1]*val63[2])+(val28[1]*val64[2])+(val29[1]*val65[2])+(val30[1]*val66[2])+(val31[1]*val67[2])))),(val33[3]-(val0*((val32[1]*val68[3])+(val1[1]*val37[3])+(val2[1]*val38[3])+(val3[1]*val39[3])+(val4[1]*val40[3])+(val5[1]*val41[3])+(val6[1]*val42[3])+(val7[1]*val43[3])+(val8[1]*val44[3])+(val9[1]*val45[3])+(val10[1]*val46[3])+(val11[1]*val47[3])+(val12[1]*val48[3])+(val13[1]*val49[3])+(val14[1]*val50[3])+(val15[1]*val51[3])+(val16[1]*val52[3])+(val17[1]*val53[3])+(val18[1]*val54[3])+(val19[1]*val55[3])+(val20[1]*val56[3])+(val21[1]*val57[3])+(val22[1]*val58[3])+(val23[1]*val59[3])+(val24[1]*val60[3])+(val25[1]*val61[3])+(val26[1]*val62[3])+(val27[1]*val63[3])+(val28[1]*val64[3])+(val29[1]*val65[3])+(val30[1]*val66[3])+(val31[1]*val67[3]))))};
      *((float4*)((data0_8192+alu4))) = (float4){(val34[0]-(val0*((val32[2]*val68[0])+(val1[2]*val37[0])+(val2[2]*val38[0])+(val3[2]*val39[0])+(val4[2]*val40[0])+(val5[2]*val41[0])+(val6[2]*val42[0])+(val7[2]*val43[0])+(val8[2]*val44[0])+(val9[2]*val45[0])+(val10[2]*val46[0])+(val11[2]*val47[0])+(val12[2]*val48[0])+(val13[2]*val49[0])+(val14[2]*val50[0])+(val15[2]*val51[0])+(val16[2]*val52[0])+(val17[2]*val53[0])+(val18[2]*val54[0])+(val19[2]*val55[0])+(val20[2]*val56[0])+(val21[2]*val57[0])+(val22[2]*val58[0])+(val23[2]*val59[0])+(val24[2]*val60[0])+(val25[2]*val61[0])+(val26[2]*val62[0])+(val27[2]*val63[0])+(val28[2]*val64[0])+(val29[2]*val65[0])+(val30[2]*val66[0])+(val31[2]*val67[0])))),(val34[1]-(val0*((val32[2]*val68[1])+(val1[2]*val37[1])+(val2[2]*val38[1])+(val3[2]*val39[1])+(val4[2]*val40[1])+(val5[2]*val41[1])+(val6[2]*val42[1])+(val7[2]*val43[1])+(val8[2]*val44[1])+(val9[2]*val45[1])+(val10[2]*val46[1])+(val11[2]*val47[1])+(val12[2]*val48[1])+(val13[2]*val49[1])+(val14[2]*val50[1])+(val15[2]*val51[1])+(val16[2]*val52[1])+(val17[2]*val53[1])+(val18[2]*val54[1])+(val19[2]*val55[1])+(val20[2]*val56[1])+(val21[2]*val57[1])+(val22[2]*val58[1])+(val23[2]*val59[1])+(val24[2]*val60[1])+(val25[2]*val61[1])+(val26[2]*val62[1])+(val27[2]*val63[1])+(val28[2]*val64[1])+(val29[2]*val65[1])+(val30[2]*val66[1])+(val31[2]*val67[1])))),(val34[2]-(val0*((val32[2]*val68[2])+(val1[2]*val37[2])+(val2[2]*val38[2])+(val3[2]*val39[2])+(val4[2]*val40[2])+(val5[2]*val41[2])+(val6[2]*val42[2])+(val7[2]*val43[2])+(val8[2]*val44[2])+(val9[2]*val45[2])+(val10[2]*val46[2])+(val11[2]*val47[2])+(val12[2]*val48[2])+(val13[2]*val49[2])+(val14[2]*val50[2])+(val15[2]*val51[2])+(val16[2]*val52[2])+(val17[2]*val53[2])+(val18[2]*val54[2])+(val19[2]*val55[2])+(val20[2]*val56[2])+(val21[2]*val57[2])+(val22[2]*val58[2])+(val23[2]*val59[2])+(val24[2]*val60[2])+(val25[2]*val61[2])+(val26[2]*val62[2])+(val27[2]*val63[2])+(val28[2]*val64[2])+(val29[2]*val65[2])+(val30[2]*val66[2])+(val31[2]*val67[2])))),(val34[3]-(val0*((val32[2]*val68[3])+(val1[2]*val37[3])+(val2[2]*val38[3])+(val3[2]*val39[3])+(val4[2]*val40[3])+(val5[2]*val41[3])+(val6[2]*val42[3])+(val7[2]*val43[3])+(val8[2]*val44[3])+(val9[2]*val45[3])+(val10[2]*val46[3])+(val11[2]*val47[3])+(val12[2]*val48[3])+(val13[2]*val49[3])+(val14[2]*val50[3])+(val15[2]*val51[3])+(val16[2]*val52[3])+(val17[2]*val53[3])+(val18[2]*val54[3])+(val19[2]*val55[3])+(val20[2]*val56[3])+(val21[2]*val57[3])+(val22[2]*val58[3])+(val23[2]*val59[3])+(val24[2]*val60[3])+(val25[2]*val61[3])+(val26[2]*val62[3])+(val27[2]*val63[3])+(val28[2]*val64[3])+(val29[2]*val65[3])+(val30[2]*val66[3])+(val31[2]*val67[3]))))};
      *((float4*)((data0_8192+alu5))) = (float4){(val35[0]-(val0*((val32[3]*val68[0])+(val1[3]*val37[0])+(val2[3]*val38[0])+(val3[3]*val39[0])+(val4[3]*val40[0])+(val5[3]*val41[0])+(val6[3]*val42[0])+(val7[3]*val43[0])+(val8[3]*val44[0])+(val9[3]*val45[0])+(val10[3]*val46[0])+(val11[3]*val47[0])+(val12[3]*val48[0])+(val13[3]*val49[0])+(val14[3]*val50[0])+(val15[3]*val51[0])+(val16[3]*val52[0])+(val17[3]*val53[0])+(val18[3]*val54[0])+(val19[3]*val55[0])+(val20[3]*val56[0])+(val21[3]*val57[0])+(val22[3]*val58[0])+(val23[3]*val59[0])+(val24[3]*val60[0])+(val25[3]*val61[0])+(val26[3]*val62[0])+(val27[3]*val63[0])+(val28[3]*val64[0])+(val29[3]*val65[0])+(val30[3]*val66[0])+(val31[3]*val67[0])))),(val35[1]-(val0*((val32[3]*val68[1])+(val1[3]*val37[1])+(val2[3]*val38[1])+(val3[3]*val39[1])+(val4[3]*val40[1])+(val5[3]*val41[1])+(val6[3]*val42[1])+(val7[3]*val43[1])+(val8[3]*val44[1])+(val9[3]*val45[1])+(val10[3]*val46[1])+(val11[3]*val47[1])+(val12[3]*val48[1])+(val13[3]*val49[1])+(val14[3]*val50[1])+(val15[3]*val51[1])+(val16[3]*val52[1])+(val17[3]*val53[1])+(val18[3]*val54[1])+(val19[3]*val55[1])+(val20[3]*val56[1])+(val21[3]*val57[1])+(val22[3]*val58[1])+(val23[3]*val59[1])+(val24[3]*val60[1])+(val25[3]*val61[1])+(val26[3]*val62[1])+(val27[3]*val63[1])+(val28[3]*val64[1])+(val29[3]*val65[1])+(val30[3]*val66[1])+(val31[3]*val67[1])))),(val35[2]-(val0*((val32[3]*val68[2])+(val1[3]*val37[2])+(val2[3]*val38[2])+(val3[3]*val39[2])+(val4[3]*val40[2])+(val5[3]*val41[2])+(val6[3]*val42[2])+(val7[3]*val43[2])+(val8[3]*val44[2])+(val9[3]*val45[2])+(val10[3]*val46[2])+(val11[3]*val47[2])+(val12[3]*val48[2])+(val13[3]*val49[2])+(val14[3]*val50[2])+(val15[3]*val51[2])+(val16[3]*val52[2])+(val17[3]*val53[2])+(val18[3]*val54[2])+(val19[3]*val55[2])+(val20[3]*val56[2])+(val21[3]*val57[2])+(val22[3]*val58[2])+(val23[3]*val59[2])+(val24[3]*val60[2])+(val25[3]*val61[2])+(val26[3]*val62[2])+(val27[3]*val63[2])+(val28[3]*val64[2])+(val29[3]*val65[2])+(val30[3]*val66[2])+(val31[3]*val67[2])))),(val35[3]-(val0*((val32[3]*val68[3])+(val1[3]*val37[3])+(val2[3]*val38[3])+(val3[3]*val39[3])+(val4[3]*val40[3])+(val5[3]*val41[3])+(val6[3]*val42[3])+(val7[3]*val43[3])+(val8[3]*val44[3])+(val9[3]*val45[3])+(val10[3]*val46[3])+(val11[3]*val47[3])+(val12[3]*val48[3])+(val13[3]*val49[3])+(val14[3]*val50[3])+(val15[3]*val51[3])+(val16[3]*val52[3])+(val17[3]*val53[3])+(val18[3]*val54[3])+(val19[3]*val55[3])+(val20[3]*val56[3])+(val21[3]*val57[3])+(val22[3]*val58[3])+(val23[3]*val59[3])+(val24[3]*val60[3])+(val25[3]*val61[3])+(val26[3]*val62[3])+(val27[3]*val63[3])+(val28[3]*val64[3])+(val29[3]*val65[3])+(val30[3]*val66[3])+(val31[3]*val67[3]))))};
      *((float4*)((data0_8192+alu2))) = (float4){(val36[0]-(val0*((val32[0]*val68[0])+(val1[0]*val37[0])+(val2[0]*val38[0])+(val3[0]*val39[0])+(val4[0]*val40[0])+(val5[0]*val41[0])+(val6[0]*val42[0])+(val7[0]*val43[0])+(val8[0]*val44[0])+(val9[0]*val45[0])+(val10[0]*val46[0])+(val11[0]*val47[0])+(val12[0]*val48[0])+(val13[0]*val49[0])+(val14[0]*val50[0])+(val15[0]*val51[0])+(val16[0]*val52[0])+(val17[0]*val53[0])+(val18[0]*val54[0])+(val19[0]*val55[0])+(val20[0]*val56[0])+(val21[0]*val57[0])+(val22[0]*val58[0])+(val23[0]*val59[0])+(val24[0]*val60[0])+(val25[0]*val61[0])+(val26[0]*val62[0])+(val27[0]*val63[0])+(val28[0]*val64[0])+(val29[0]*val65[0])+(val30[0]*val66[0])+(val31[0]*val67[0])))),(val36[1]-(val0*((val32[0]*val68[1])+(val1[0]*val37[1])+(val2[0]*val38[1])+(val3[0]*val39[1])+(val4[0]*val40[1])+(val5[0]*val41[1])+(val6[0]*val42[1])+(val7[0]*val43[1])+(val8[0]*val44[1])+(val9[0]*val45[1])+(val10[0]*val46[1])+(val11[0]*val47[1])+(val12[0]*val48[1])+(val13[0]*val49[1])+(val14[0]*val50[1])+(val15[0]*val51[1])+(val16[0]*val52[1])+(val17[0]*val53[1])+(val18[0]*val54[1])+(val19[0]*val55[1])+(val20[0]*val56[1])+(val21[0]*val57[1])+(val22[0]*val58[1])+(val23[0]*val59[1])+(val24[0]*val60[1])+(val25[0]*val61[1])+(val26[0]*val62[1])+(val27[0]*val63[1])+(val28[0]*val64[1])+(val29[0]*val65[1])+(val30[0]*val66[1])+(val31[0]*val67[1])))),(val36[2]-(val0*((val32[0]*val68[2])+(val1[0]*val37[2])+(val2[0]*val38[2])+(val3[0]*val39[2])+(val4[0]*val40[2])+(val5[0]*val41[2])+(val6[0]*val42[2])+(val7[0]*val43[2])+(val8[0]*val44[2])+(val9[0]*val45[2])+(val10[0]*val46[2])+(val11[0]*val47[2])+(val12[0]*val48[2])+(val13[0]*val49[2])+(val14[0]*val50[2])+(val15[0]*val51[2])+(val16[0]*val52[2])+(val17[0]*val53[2])+(val18[0]*val54[2])+(val19[0]*val55[2])+(val20[0]*val56[2])+(val21[0]*val57[2])+(val22[0]*val58[2])+(val23[0]*val59[2])+(val24[0]*val60[2])+(val25[0]*val61[2])+(val26[0]*val62[2])+(val27[0]*val63[2])+(val28[0]*val64[2])+(val29[0]*val65[2])+(val30[0]*val66[2])+(val31[0]*val67[2])))),(val36[3]-(val0*((val32[0]*val68[3])+(val1[0]*val37[3])+(val2[0]*val38[3])+(val3[0]*val39[3])+(val4[0]*val40[3])+(val5[0]*val41[3])+(val6[0]*val42[3])+(val7[0]*val43[3])+(val8[0]*val44[3])+(val9[0]*val45[3])+(val10[0]*val46[3])+(val11[0]*val47[3])+(val12[0]*val48[3])+(val13[0]*val49[3])+(val14[0]*val50[3])+(val15[0]*val51[3])+(val16[0]*val52[3])+(val17[0]*val53[3])+(val18[0]*val54[3])+(val19[0]*val55[3])+(val20[0]*val56[3])+(val21[0]*val57[3])+(val22[0]*val58[3])+(val23[0]*val59[3])+(val24[0]*val60[3])+(val25[0]*val61[3])+(val26[0]*val62[3])+(val27[0]*val63[3])+(val28[0]*val64[3])+(val29[0]*val65[3])+(val30[0]*val66[3])+(val31[0]*val67[3]))))};
    }
  }
}
static __attribute__((noinline)) void k9_r_128_32(float* restrict data0_128, float* restrict data1_128, float* restrict data2_1, float* restrict data3_4096) {
  float val0 = (*(data2_1+0));
  for (int Lidx1 = 0; Lidx1 < 128; Lidx1++) {
    float val1 = (*(data1_128+Lidx1));
    float val2 = (*(data3_4096+(Lidx1+128)));
    float val3 = (*(data3_4096+(Lidx1+256)));
    float val4 = (*(data3_4096+(Lidx1+384)));
    float val5 = (*(data3_4096+(Lidx1+512)));
    float val6 = (*(data3_4096+(Lidx1+640)));
    float val7 = (*(data3_4096+(Lidx1+768)));
    float val8 = (*(data3_4096+(Lidx1+896)));
    float val9 = (*(data3_4096+(Lidx1+1024)));
    float val10 = (*(data3_4096+(Lidx1+1152)));
    float val11 = (*(data3_4096+(Lidx1+1280)));
    float val12 = (*(data3_4096+(Lidx1+1408)));
    float val13 = (*(data3_4096+(Lidx1+1536)));
    float val14 = (*(data3_4096+(Lidx1+1664)));
    float val15 = (*(data3_4096+(Lidx1+1792)));
    float val16 = (*(data3_4096+(Lidx1+1920)));
    float val17 = (*(data3_4096+(Lidx1+2048)));
    float val18 = (*(data3_4096+(Lidx1+2176)));
    float val19 = (*(data3_4096+(Lidx1+2304)));
    float val20 = (*(data3_4096+(Lidx1+2432)));
    float val21 = (*(data3_4096+(Lidx1+2560)));
    float val22 = (*(data3_4096+(Lidx1+2688)));
    float val23 = (*(data3_4096+(Lidx1+2816)));
    float val24 = (*(data3_4096+(Lidx1+2944)));
    float val25 = (*(data3_4096+(Lidx1+3072)));
    float val26 = (*(data3_4096+(Lidx1+3200)));
    float val27 = (*(data3_4096+(Lidx1+3328)));
    float val28 = (*(data3_4096+(Lidx1+3456)));
    float val29 = (*(data3_4096+(Lidx1+3584)));
    float val30 = (*(data3_4096+(Lidx1+3712)));
    float val31 = (*(data3_4096+(Lidx1+3840)));
    float val32 = (*(data3_4096+(Lidx1+3968)));
    float val33 = (*(data3_4096+Lidx1));
    *(data0_128+Lidx1) = (val1-(val0*(val33+val2+val3+val4+val5+val6+val7+val8+val9+val10+val11+val12+val13+val14+val15+val16+val17+val18+val19+val20+val21+val22+val23+val24+val25+val26+val27+val28+val29+val30+val31+val32)));
  }
}
static __attribute__((noinline)) void k10_E_320_4(float* restrict data0_1280, float* restrict data1_1280) {
  for (int Lidx0 = 0; Lidx0 < 320; Lidx0++) {
    int alu0 = (Lidx0<<2);
    float4 val0 = (*((float4*)((data1_1280+alu0))));
    *((float4*)((data0_1280+alu0))) = val0;
  }
}
static __attribute__((noinline)) void k11_E_10(float* restrict data0_10, float* restrict data1_10) {
  for (int Lidx0 = 0; Lidx0 < 10; Lidx0++) {
    float val0 = (*(data1_10+Lidx0));
    *(data0_10+Lidx0) = val0;
  }
}
static __attribute__((noinline)) void k12_E_2048_4(float* restrict data0_8192, float* restrict data1_8192) {
  for (int Lidx0 = 0; Lidx0 < 2048; Lidx0++) {
    int alu0 = (Lidx0<<2);
    float4 val0 = (*((float4*)((data1_8192+alu0))));
    *((float4*)((data0_8192+alu0))) = val0;
  }
}
static __attribute__((noinline)) void k13_E_32_4(float* restrict data0_128, float* restrict data1_128) {
  for (int Lidx0 = 0; Lidx0 < 32; Lidx0++) {
    int alu0 = (Lidx0<<2);
    float4 val0 = (*((float4*)((data1_128+alu0))));
    *((float4*)((data0_128+alu0))) = val0;
  }
}
static void step(void) {
  k0_r_8_32_4_4_16_4((void *)(t0 + 0), (void *)batch_x, (void *)((char *)now_w1 + 0), (void *)((char *)now_b1 + 0));
  k1_r_32_10_32_4((void *)(t0 + 16384), (void *)(t0 + 0), (void *)((char *)now_w2 + 0), (void *)((char *)now_b2 + 0));
  k2_r_32_10((void *)(t0 + 17664), (void *)(t0 + 16384));
  k3_r_32_10_10((void *)(t0 + 17920), (void *)batch_mask, (void *)batch_count, (void *)batch_y, (void *)(t0 + 16384), (void *)(t0 + 17664));
  k4_E_32_10((void *)(t0 + 18176), (void *)batch_mask, (void *)batch_count, (void *)batch_y, (void *)(t0 + 16384), (void *)(t0 + 17664), (void *)(t0 + 17920));
  k5_r_8_32_4_4_10((void *)(t0 + 19456), (void *)(t0 + 0), (void *)((char *)now_w2 + 0), (void *)(t0 + 18176));
  k6_r_32_10_4_32((void *)(t0 + 35840), (void *)((char *)now_w2 + 0), (void *)learning_rate, (void *)(t0 + 0), (void *)(t0 + 18176));
  k7_r_10_32((void *)(t0 + 0), (void *)((char *)now_b2 + 0), (void *)learning_rate, (void *)(t0 + 18176));
  k8_r_16_32_4_4_32((void *)(t0 + 40960), (void *)((char *)now_w1 + 0), (void *)learning_rate, (void *)batch_x, (void *)(t0 + 19456));
  k9_r_128_32((void *)(t0 + 256), (void *)((char *)now_b1 + 0), (void *)learning_rate, (void *)(t0 + 19456));
  k10_E_320_4((void *)((char *)now_w2 + 0), (void *)(t0 + 35840));
  k11_E_10((void *)((char *)now_b2 + 0), (void *)(t0 + 0));
  k12_E_2048_4((void *)((char *)now_w1 + 0), (void *)(t0 + 40960));
  k13_E_32_4((void *)((char *)now_b1 + 0), (void *)(t0 + 256));
}

#define WEIGHT_LIST(before, after) {before##w1##after, before##b1##after, before##w2##after, before##b2##after}
#define WEIGHT_SIZES {8192, 128, 1280, 10}
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
