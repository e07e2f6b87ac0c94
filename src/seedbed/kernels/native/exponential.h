// The exponential function, once per instruction set. Source of the constants: S. L. Moshier's Cephes.
#pragma once

#include <initializer_list>

#include "vectors.h"

namespace seedbed {
namespace {

typedef uint32_t words __attribute__((vector_size(4 * LANES)));

// A power of 2 and a rest near 0 with e^x = power * (1 + rest), for x <= 0; below -87 those of -87. Not a number stays so.
struct Power {
  vec power, rest;
};
inline Power power_of(vec x) {
  x = x < splat(-87) ? splat(-87) : x;
  vec rounded = x * splat(1.44269504f) + splat(12582912.0f);  // 1.5 * 2^23: what is left behind the point is rounded away
  vec whole = rounded - splat(12582912.0f);
  vec r = x - whole * splat(0.693359375f) + whole * splat(2.12194440e-4f);
  vec p = splat(1.9875691500e-4f);
  for (float next : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f})
    p = p * r + splat(next);
  return {(vec)(((words)rounded - 0x4B400000u + 127u) << 23), p * r * r + r};
}

// e^x for x <= 0, to 1 in 10^7; 0 below -87.
inline vec exponential(vec x) {
  Power of = power_of(x);
  return x < splat(-87) ? vec{} : (of.rest + splat(1)) * of.power;
}

// e^x - 1 for x <= 0, to a few in 10^7 also near 0.
inline vec exponential_less_1(vec x) {
  Power of = power_of(x);
  return of.power * of.rest + (of.power - splat(1));
}

}  // namespace
}  // namespace seedbed
