// What the variants of the kernels have in common: the geometry of a block of a network, and the functions of a variant.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace seedbed {

constexpr int LARGEST_POOL = 15;  // the place of a maximum is one byte

// One block of a network: convolution, bias, max pooling, ReLU. All sizes in pixels.
struct Geometry {
  int height, width, channels;        // of the input
  int filters, kernel, stride, pool;  // as in the network's settings
  int top, left;                      // rows and columns of zeros before the input
  int pooled_height, pooled_width;    // of the output
  bool relu;                          // whether ReLU follows the pooling
  bool inner;                         // whether the gradient of the input is wanted

  int rows() const { return pooled_height * pool; }  // of the convolution's output, as far as pooling reads it
  int columns() const { return pooled_width * pool; }
  size_t outputs() const { return (size_t)pooled_height * pooled_width * filters; }
  size_t inputs() const { return (size_t)height * width * channels; }
  int padded_height() const { return (rows() - 1) * stride + kernel; }
  int padded_width() const { return (columns() - 1) * stride + kernel; }
  size_t padded() const { return (size_t)padded_height() * padded_width() * channels; }

  // The gradient before pooling. For the input's gradient it has a border of zeros, and zeros between strides.
  int step() const { return inner ? stride : 1; }
  int above() const { return inner ? kernel - 1 - top : 0; }
  int before() const { return inner ? kernel - 1 - left : 0; }
  int spread_width() const { return inner ? width + kernel - 1 : columns(); }
  int spread_height() const { return inner ? height + kernel - 1 : band() * pool; }
  size_t spread() const { return (size_t)spread_height() * spread_width() * filters; }

  // Pooled rows whose gradient is spread at a time: all, or as many as stay in the cache of a core, with all filters or few.
  int band() const {
    int fit = (int)((inner ? 600 / filters : 256) / ((size_t)pool * columns()));
    return fit < 1 ? 1 : fit > pooled_height ? pooled_height : fit;
  }
};

// A max pooling of maps of any layout (rows, columns, ...): `channels` counts the numbers of a pixel.
struct Pooling {
  int64_t height, width, channels;
  int rows, columns, down, across;  // of the window, and its steps
  int top, left;                    // pixels around the maps, which never count
  int64_t pooled_height, pooled_width;
};

// Neighbouring rows of a matrix.
struct Rows {
  int64_t first, count;
};

// Some rows of a matrix product c (_, columns) = a (_, depth) b (depth, columns). Of a, either the numbers of a row lie next to
// each other, or those of a column where it is turned; the others are `a_step` apart. So are those of b; rows of c are `c_step`
// apart.
struct Product {
  std::vector<Rows> rows;
  int64_t columns, depth;
  size_t a_step, b_step, c_step;
  bool a_turned, b_turned;
};

// How an optimizer moves weights, with Keras's definitions. It keeps so many slots, arrays laid out as the weights.
enum Rule { kDescent, kMomentum, kNesterov, kRmsprop, kAdam, kRules };
constexpr int kSlots[kRules] = {0, 1, 1, 1, 2};

// A member's values in a step: of the optimizer, the share by which weights shrink before it, and coefficients of the penalty
// l2 w^2 + l1 |w|, whose gradient is added.
struct StepValues {
  float rate, momentum, decay, l1, l2;
};

enum Activation { kRelu, kTanh, kSigmoid, kLeakyRelu, kElu, kGelu, kSilu, kActivations };

// Arrays hold LANES images side by side, images innermost: (rows, columns, channels, LANES). Kernels are (k, k, channels,
// filters), or (k, k, channels) in a depthwise convolution, whose filters are its channels.
struct Variant {
  int lanes;
  // Floats of scratch memory, aligned to 64 bytes, that each function takes.
  size_t (*forward_scratch)(const Geometry&);
  size_t (*backward_scratch)(const Geometry&);
  void (*forward)(const Geometry&, const float* x, const float* kernel, const float* bias, float* y, uint8_t* where,
                  float* scratch);
  // `turned` is the kernel by 180 degrees with channels and filters exchanged, `turn`'s result; dx is null unless `inner`.
  void (*backward)(const Geometry&, const float* dy, const uint8_t* where, const float* x, const float* turned,
                   float* dkernel, float* dbias, float* dx, float* scratch);
  void (*depthwise_forward)(const Geometry&, const float* x, const float* kernel, float* y, float* scratch);
  void (*depthwise_backward)(const Geometry&, const float* dy, const float* x, const float* kernel, float* dkernel,
                             float* dx, float* scratch);
  // `where` may be null; a place that no window has belongs to no pixel.
  void (*max_pool)(const Pooling&, const float* x, float* y, uint8_t* where);
  void (*spread_maxima)(const Pooling&, const float* dy, const uint8_t* where, float* dx);
  // Some images of `size` numbers each, one after the other, as a block; lanes without an image hold zeros. And back.
  void (*blocked)(const float* images, size_t size, int count, float* block);
  void (*unblocked)(const float* block, size_t size, int count, float* images);
  // Floats of scratch memory, aligned to 64 bytes, that a product takes. To each row of c its `bias` is added, unless it is null.
  size_t (*product_scratch)(const Product&);
  void (*product)(const Product&, const float* a, const float* b, const float* bias, float* c, float* scratch);
  void (*row_sums)(const float* a, int64_t rows, int64_t columns, float* sums);
  // One step of a member's weights w and of the slots that the rule has.
  void (*step)(Rule, const StepValues&, int64_t count, float* w, const float* g, float* first, float* second);
  // Sums over images by their classes, and over numbers; both add to what is there.
  void (*scores)(const float* logits, int64_t classes, int64_t images, const int32_t* labels, const float* weights,
                 double* sums);
  void (*norms)(const float* x, int64_t count, double* sums);
  // Outputs y of pre-activations z; the gradient dz of these; and the share of y (units, images) that counts as saturated, as
  // `seedbed.kinds.activations` defines it.
  void (*activate)(Activation, const float* z, int64_t count, float* y);
  void (*activate_backward)(Activation, const float* z, const float* y, const float* dy, int64_t count, float* dz);
  double (*saturated)(Activation, const float* y, int64_t units, int64_t images);
  // Gradients (classes, images) of the sum of an image's cross-entropies times its weight, and that of its class unless null.
  void (*loss_gradients)(const float* logits, int64_t classes, int64_t images, const int32_t* labels, const float* weights,
                         const float* class_weights, float* gradients);
};

// The widest variant that this processor can run with vectors of this number of floats; null if there is none.
const Variant* variant(int lanes);

extern const Variant portable;
#ifdef SEEDBED_X86
extern const Variant avx2, avx512;
#endif

}  // namespace seedbed
