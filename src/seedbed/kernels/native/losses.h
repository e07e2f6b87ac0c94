// The gradient of the cross-entropy, once per instruction set.

#include <cstdint>

#include "exponential.h"
#include "variant.h"

namespace seedbed {
namespace {

void loss_gradients(const float* logits, int64_t classes, int64_t images, const int32_t* labels, const float* weights,
                    const float* class_weights, float* gradients) {
  for (int64_t first = 0; first < images; first += LANES) {
    int64_t size = images - first < LANES ? images - first : LANES;
    auto at = [&](int64_t number) { return number * images + first; };
    auto of_class = [&](int64_t number) { return load_some(logits + at(number), size); };
    vec largest = of_class(0), total{}, weight = load_some(weights + first, size);
    for (int64_t number = 1; number < classes; number++) {
      vec v = of_class(number);
      largest = v > largest ? v : largest;
    }
    if (class_weights)
      for (int64_t i = 0; i < size; i++) weight[i] *= class_weights[labels[first + i]];
    for (int64_t number = 0; number < classes; number++) {
      vec e = exponential(of_class(number) - largest);
      total += e;
      store_some(e, gradients + at(number), size);
    }
    vec share = weight / total;
    for (int64_t number = 0; number < classes; number++)
      store_some(load_some(gradients + at(number), size) * share, gradients + at(number), size);
    for (int64_t i = 0; i < size; i++) gradients[at(labels[first + i]) + i] -= weight[i];
  }
}

}  // namespace
}  // namespace seedbed
