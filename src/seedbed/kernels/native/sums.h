// What an evaluation sums, once per instruction set: scores of images by their classes, and norms of arrays.

#include <cmath>
#include <cstdint>

#include "exponential.h"
#include "variant.h"

namespace seedbed {
namespace {

// Of logits (classes, images), adds to sums (3, classes): weights of right images of each class, weights of images that are called
// so, and weighted losses. The first of several largest logits counts, and before all what is no number.
void scores(const float* logits, int64_t classes, int64_t images, const int32_t* labels, const float* weights, double* sums) {
  for (int64_t first = 0; first < images; first += LANES) {
    int64_t size = images - first < LANES ? images - first : LANES;
    auto of_class = [&](int64_t number) { return load_some(logits + number * images + first, size); };
    vec largest = of_class(0), total{};
    ints called{};
    for (int64_t number = 1; number < classes; number++) {
      vec v = of_class(number);
      ints better = (v > largest) | ((v != v) & (largest == largest));
      largest = better ? v : largest;
      called = better ? ints{} + (int32_t)number : called;
    }
    for (int64_t number = 0; number < classes; number++) total += exponential(of_class(number) - largest);
    for (int64_t i = 0; i < size; i++) {
      int32_t label = labels[first + i];
      double weight = weights[first + i];
      if (weight == 0 || label < 0 || label >= classes) continue;
      sums[label] += called[i] == label ? weight : 0;
      sums[classes + called[i]] += weight;
      sums[2 * classes + label] += weight * (std::log(total[i]) - (logits[label * images + first + i] - largest[i]));
    }
  }
}

// Adds to sums the numbers, their sizes and their squares.
void norms(const float* x, int64_t count, double* sums) {
  constexpr int64_t CHUNK = 64 * LANES;  // floats are summed so far
  int64_t i = 0;
  for (; i + LANES <= count;) {
    vec plain{}, sizes{}, squares{};
    for (int64_t end = i + CHUNK < count ? i + CHUNK : count; i + LANES <= end; i += LANES) {
      vec v = load(x + i);
      plain += v, sizes += v < vec{} ? -v : v, squares += v * v;
    }
    sums[0] += sum(plain), sums[1] += sum(sizes), sums[2] += sum(squares);
  }
  for (; i < count; i++) sums[0] += x[i], sums[1] += std::abs(x[i]), sums[2] += (double)x[i] * x[i];
}

}  // namespace
}  // namespace seedbed
