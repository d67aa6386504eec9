// V: eight doubles. One register where the instruction set has such; otherwise a few smaller ones
// (the compiler's own lowering of a large vector keeps it in memory, several times slower).

#if defined(__AVX512F__)

typedef double V __attribute__((vector_size(64)));

inline V positive_part(V v) { return v > 0 ? v : V{}; }

#else

#if defined(__AVX__)
typedef double Piece __attribute__((vector_size(32)));
#else
typedef double Piece __attribute__((vector_size(16)));
#endif
constexpr int PIECES = 64 / sizeof(Piece);

#define ELYTE_INLINE inline __attribute__((always_inline))

struct V {
  Piece piece[PIECES];
  ELYTE_INLINE double operator[](int lane) const { return piece[lane * PIECES / 8][lane % (8 / PIECES)]; }
  ELYTE_INLINE double& operator[](int lane) { return reinterpret_cast<double*>(piece)[lane]; }
};

#define ELYTE_OPERATOR(op)                                                                   \
  ELYTE_INLINE V operator op(const V& a, const V& b) {                                       \
    V c;                                                                                     \
    for (int k = 0; k < PIECES; ++k) c.piece[k] = a.piece[k] op b.piece[k];                  \
    return c;                                                                                \
  }                                                                                          \
  ELYTE_INLINE V operator op(const V& a, double b) {                                         \
    V c;                                                                                     \
    for (int k = 0; k < PIECES; ++k) c.piece[k] = a.piece[k] op b;                           \
    return c;                                                                                \
  }                                                                                          \
  ELYTE_INLINE V operator op(double a, const V& b) {                                         \
    V c;                                                                                     \
    for (int k = 0; k < PIECES; ++k) c.piece[k] = a op b.piece[k];                           \
    return c;                                                                                \
  }                                                                                          \
  ELYTE_INLINE V& operator op##=(V& a, const V& b) { return a = a op b; }                    \
  ELYTE_INLINE V& operator op##=(V& a, double b) { return a = a op b; }

ELYTE_OPERATOR(+)
ELYTE_OPERATOR(-)
ELYTE_OPERATOR(*)
ELYTE_OPERATOR(/)
#undef ELYTE_OPERATOR

ELYTE_INLINE V positive_part(const V& v) {
  V c;
  for (int k = 0; k < PIECES; ++k) c.piece[k] = v.piece[k] > 0 ? v.piece[k] : Piece{};
  return c;
}

#undef ELYTE_INLINE

#endif
