// The gradient of the cross-entropy, once per instruction set.

#include <cstdint>
#include <cstring>

#include "exponential.h"
#include "variant.h"

namespace seedbed {
namespace {

void loss_gradients(const float* logits, int64_t classes, int64_t images, const int32_t* labels, const float* weights,
                    const float* class_weights, float* gradients) {
  for (int64_t first = 0; first < images; first += LANES) {
    int64_t size = images - first < LANES ? images - first : LANES;
    auto of_class = [&](int64_t number) { return load_some(logits + number * images + first, size); };
    vec largest = of_class(0), total{}, weight = load_some(weights + first, size);
    for (int64_t number = 1; number < classes; number++) {
      vec v = of_class(number);
      largest = v > largest ? v : largest;
    }
    if (class_weights)
      for (int64_t i = 0; i < size; i++) weight[i] *= class_weights[labels[first + i]];
    for (int64_t number = 0; number < classes; number++) total += exponential(of_class(number) - largest);
    vec share = weight / total;
    for (int64_t number = 0; number < classes; number++)
      store_some(exponential(of_class(number) - largest) * share, gradients + number * images + first, size);
    for (int64_t i = 0; i < size; i++) gradients[labels[first + i] * images + first + i] -= weight[i];
  }
}

}  // namespace
}  // namespace seedbed
