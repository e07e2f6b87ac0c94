// What the kernels of all kinds share, once per instruction set: vectors of LANES floats.
#pragma once

#include <cstdint>
#include <cstring>

namespace seedbed {
namespace {

typedef float vec __attribute__((vector_size(4 * LANES)));
typedef int32_t ints __attribute__((vector_size(4 * LANES)));
typedef uint8_t bytes __attribute__((vector_size(LANES)));

typedef float unaligned __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

inline vec load(const float* from) { return *(const unaligned*)from; }
inline void store(vec v, float* to) { *(unaligned*)to = v; }

// The first `size` numbers of a vector; the others are 0.
inline vec load_some(const float* from, int64_t size) {
  if (size >= LANES) return load(from);
  float some[LANES] = {};
  std::memcpy(some, from, size * sizeof(float));
  return load(some);
}
inline void store_some(vec v, float* to, int64_t size) {
  if (size >= LANES) return store(v, to);
  float some[LANES];
  store(v, some);
  std::memcpy(to, some, size * sizeof(float));
}

inline vec splat(float a) { return a - vec{}; }

// Numbers from 0 to 255 as bytes. GCC would take them out of a vector one by one where no instruction does it.
inline bytes narrowed(ints v) {
#if defined(__clang__) || LANES == 16
  return __builtin_convertvector(v, bytes);
#else
  typedef uint8_t all __attribute__((vector_size(4 * LANES)));
  all lowest{};
#pragma GCC unroll 16
  for (int i = 0; i < LANES; i++) lowest[i] = 4 * i;
  all some = __builtin_shuffle((all)v, lowest);
  bytes first;
  std::memcpy(&first, &some, sizeof first);
  return first;
#endif
}

inline float sum(vec v) {
  float parts[LANES];
  std::memcpy(parts, &v, sizeof v);
  for (int half = LANES / 2; half; half /= 2)
    for (int i = 0; i < half; i++) parts[i] += parts[i + half];
  return parts[0];
}

// Exchanges the numbers of a at places with bit D for those of b at places without it.
template <int D>
inline void exchange(vec& a, vec& b) {
#ifdef __clang__
  vec low, high;
#pragma clang loop unroll(full)
  for (int i = 0; i < LANES; i++) low[i] = i & D ? b[i ^ D] : a[i], high[i] = i & D ? b[i] : a[i ^ D];
  a = low, b = high;
#else
  ints low, high;
#pragma GCC unroll 16
  for (int i = 0; i < LANES; i++) low[i] = i & D ? LANES + (i ^ D) : i, high[i] = i & D ? LANES + i : i ^ D;
  vec both = __builtin_shuffle(a, b, low);
  b = __builtin_shuffle(a, b, high);
  a = both;
#endif
}

// Turns a square of numbers: number i of row j becomes number j of row i.
template <int D = 1>
inline void turn(vec (&rows)[LANES]) {
#pragma GCC unroll 16
  for (int i = 0; i < LANES; i++)
    if (!(i & D)) exchange<D>(rows[i], rows[i | D]);
  if constexpr (2 * D < LANES) turn<2 * D>(rows);
}

// to[i] = sum(from[i]): a square at a time, in which numbers are added in the same order.
inline void add_lanes(const vec* from, size_t count, float* to) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    vec rows[LANES];
#pragma GCC unroll 16
    for (int j = 0; j < LANES; j++) rows[j] = from[i + j];
    turn(rows);
#pragma GCC unroll 4
    for (int half = LANES / 2; half; half /= 2)
#pragma GCC unroll 8
      for (int j = 0; j < half; j++) rows[j] += rows[j + half];
    store(rows[0], to + i);
  }
  for (; i < count; i++) to[i] = sum(from[i]);
}

inline int tiles(int count, int most) { return (count + most - 1) / most; }

// Calls f(first, size) for parts of almost equal size, each at most `most`; part n begins at count * n / parts.
template <class F>
inline void split(int count, int most, F f) {
  int parts = tiles(count, most), least = count / parts, larger = count % parts;
  for (int part = 0, first = 0, over = 0; part < parts; part++) {
    over += larger;
    bool one_more = over >= parts;
    if (one_more) over -= parts;
    f(first, least + one_more);
    first += least + one_more;
  }
}

}  // namespace
}  // namespace seedbed
