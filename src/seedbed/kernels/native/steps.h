// An optimizer's step, once per instruction set: plain loops that compilers turn into vectors.
//
// Everything is read and written once, in place: XLA's loops for the moments, the weights and the penalty make two passes.

#include <cmath>
#include <cstdint>

#include "variant.h"

namespace seedbed {
namespace {

// Constants of `seedbed.kinds.optimizers`.
constexpr float ONE_LESS_BETA_1 = 1 - 0.9, ONE_LESS_BETA_2 = 1 - 0.999, RHO = 0.9, ONE_LESS_RHO = 1 - 0.9, EPSILON = 1e-7;

// move(gradient, shrunken weight, its number) -> new weight
template <class Move>
inline void each(const StepValues& of, int64_t count, float* __restrict w, const float* __restrict g, Move move) {
  for (int64_t i = 0; i < count; i++) {
    float sign = w[i] > 0 ? 1.0f : w[i] < 0 ? -1.0f : 0.0f;
    float gradient = g[i] + (2 * of.l2 * w[i] + of.l1 * sign);
    w[i] = move(gradient, w[i] - of.decay * w[i], i);
  }
}

void step(Rule rule, const StepValues& of, int64_t count, float* __restrict w, const float* __restrict g, float* __restrict first,
          float* __restrict second) {
  switch (rule) {
    case kDescent:
      return each(of, count, w, g, [=](float g, float w, int64_t) { return w - of.rate * g; });
    case kMomentum:
      return each(of, count, w, g, [=](float g, float w, int64_t i) {
        return w + (first[i] = of.momentum * first[i] - of.rate * g);
      });
    case kNesterov:
      return each(of, count, w, g, [=](float g, float w, int64_t i) {
        first[i] = of.momentum * first[i] - of.rate * g;
        return w + of.momentum * first[i] - of.rate * g;
      });
    case kRmsprop:
      return each(of, count, w, g, [=](float g, float w, int64_t i) {
        first[i] = RHO * first[i] + ONE_LESS_RHO * g * g;
        return w - of.rate * g / std::sqrt(first[i] + EPSILON);
      });
    default:
      return each(of, count, w, g, [=](float g, float w, int64_t i) {
        first[i] += (g - first[i]) * ONE_LESS_BETA_1;
        second[i] += (g * g - second[i]) * ONE_LESS_BETA_2;
        return w - first[i] * of.rate / (std::sqrt(second[i]) + EPSILON);
      });
  }
}

}  // namespace
}  // namespace seedbed
