// Activations, their slopes, and the shares of saturated units, once per instruction set; Keras's definitions.

#include <algorithm>
#include <cstdint>

#include "exponential.h"
#include "variant.h"

namespace seedbed {
namespace {

constexpr float SLOPE = 0.2f;                   // of the leaky ReLU below 0
constexpr float ENDS[2][2] = {{-0.97f, 0.97f},  // beyond which tanh and sigmoid count as saturated
                              {0.03f, 0.97f}};

inline vec size(vec x) { return x < vec{} ? -x : x; }

inline vec tanh(vec z) {
  vec e = exponential_less_1(splat(-2) * size(z)), y = -e / (e + splat(2));
  return z < vec{} ? -y : y;
}

inline vec sigmoid(vec z) {
  vec e = exponential(-size(z)), y = splat(1) / (splat(1) + e);
  return z < vec{} ? e * y : y;
}

// Share of the normal distribution below z, and its density there. Source of the constants: Abramowitz and Stegun 1964, 7.1.26.
struct Normal {
  vec below, density;
};
inline Normal normal(vec z) {
  vec u = size(z) * splat(0.70710678f), e = exponential(-u * u), t = splat(1) / (splat(1) + splat(0.3275911f) * u);
  vec p = splat(1.061405429f);
  for (float next : {-1.453152027f, 1.421413741f, -0.284496736f, 0.254829592f}) p = p * t + splat(next);
  vec beyond = splat(0.5f) * p * t * e;
  return {z < vec{} ? beyond : splat(1) - beyond, e * splat(0.39894228f)};
}

template <Activation A>
inline vec activated(vec z) {
  switch (A) {
    case kRelu:
      return z < vec{} ? vec{} : z;
    case kTanh:
      return tanh(z);
    case kSigmoid:
      return sigmoid(z);
    case kLeakyRelu:
      return z < vec{} ? splat(SLOPE) * z : z;
    case kElu:
      return z > vec{} ? z : exponential_less_1(z > vec{} ? vec{} : z);
    case kGelu:
      return z * normal(z).below;
    default:
      return z * sigmoid(z);
  }
}

// The slope at z, where the output is y.
template <Activation A>
inline vec slope(vec z, vec y) {
  switch (A) {
    case kRelu:
      return y > vec{} ? splat(1) : vec{};
    case kTanh:
      return splat(1) - y * y;
    case kSigmoid:
      return y * (splat(1) - y);
    case kLeakyRelu:
      return y >= vec{} ? splat(1) : splat(SLOPE);
    case kElu:
      return y > vec{} ? splat(1) : y + splat(1);
    case kGelu: {
      Normal of = normal(z);
      return of.below + z * of.density;
    }
    default: {
      vec s = sigmoid(z);
      return s + y * (splat(1) - s);
    }
  }
}

template <Activation A>
void outputs(const float* z, int64_t count, float* y) {
  for (int64_t i = 0; i < count; i += LANES) store_some(activated<A>(load_some(z + i, count - i)), y + i, count - i);
}

template <Activation A>
void gradients(const float* z, const float* y, const float* dy, int64_t count, float* dz) {
  for (int64_t i = 0; i < count; i += LANES) {
    int64_t rest = count - i;
    store_some(load_some(dy + i, rest) * slope<A>(load_some(z + i, rest), load_some(y + i, rest)), dz + i, rest);
  }
}

template <class Indices>
struct OfActivations;
template <int... A>
struct OfActivations<std::integer_sequence<int, A...>> {
  static constexpr decltype(&outputs<kRelu>) outputs_of[] = {&outputs<(Activation)A>...};
  static constexpr decltype(&gradients<kRelu>) gradients_of[] = {&gradients<(Activation)A>...};
};
using Activations = OfActivations<std::make_integer_sequence<int, kActivations>>;

void activate(Activation activation, const float* z, int64_t count, float* y) {
  Activations::outputs_of[activation](z, count, y);
}

void activate_backward(Activation activation, const float* z, const float* y, const float* dy, int64_t count, float* dz) {
  Activations::gradients_of[activation](z, y, dy, count, dz);
}

double saturated(Activation activation, const float* y, int64_t units, int64_t images) {
  bool bounded = activation == kTanh || activation == kSigmoid;
  float low = ENDS[activation == kSigmoid][0], high = ENDS[activation == kSigmoid][1];
  int64_t found = 0;  // outputs beyond the ends, or units that are never positive
  for (int64_t unit = 0; unit < units; unit++, y += images) {
    if (bounded)
      found += std::count_if(y, y + images, [=](float v) { return (v < low) | (v > high); });
    else
      found += std::all_of(y, y + images, [](float v) { return v <= 0; });
  }
  return (double)found / ((double)units * (bounded ? images : 1));
}

}  // namespace
}  // namespace seedbed
