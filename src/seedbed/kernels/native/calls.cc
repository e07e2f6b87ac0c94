// Convolutions and poolings as functions of a compiled program: checks of all shapes, and sums over the images.

#include <algorithm>
#include <vector>

#include "call.h"
#include "variant.h"

namespace seedbed {
namespace {

// A call on blocks of images x (blocks, height, width, channels, lanes), a kernel (k, k, channels, filters), and outputs y
// (blocks, pooled height, pooled width, filters, lanes). Each of x and y may hold images instead, (images, height, width,
// channels) or (images, pooled height, pooled width, filters), which are brought into blocks one at a time.
struct Layer {
  Geometry geometry{};
  const Variant* variant = nullptr;
  int64_t blocks = 0, images = 0;               // images: of full blocks, where both x and y hold blocks
  size_t inputs = 0, outputs = 0, weights = 0;  // numbers of a block, and of the kernel
  bool places = false;                          // whether there are places of maxima

  // Whether the array holds `numbers` of each block, or so many of each image.
  bool holds(const Buffer& buffer, size_t numbers) const {
    return floats(buffer, of_images(buffer) ? images * (numbers / variant->lanes) : blocks * numbers);
  }
  static bool of_images(const Buffer& buffer) { return buffer.rank == 4; }

  // Block n of an array, with `numbers` of a block; images are copied to `memory`, which then moves behind them.
  const float* in(const Buffer& buffer, int64_t n, size_t numbers, float*& memory) const {
    const float* all = seedbed::numbers(buffer);
    if (!of_images(buffer)) return all + n * numbers;
    size_t size = numbers / variant->lanes;
    float* block = memory;
    memory += numbers;
    variant->blocked(all + n * variant->lanes * size, size, filled(n), block);
    return block;
  }

  // Where block n of an array is to be written; `done` then brings it to the images.
  float* out(const Buffer& buffer, int64_t n, size_t numbers, float*& memory) const {
    if (!of_images(buffer)) return seedbed::numbers(buffer) + n * numbers;
    float* block = memory;
    memory += numbers;
    return block;
  }
  void done(const Buffer& buffer, int64_t n, size_t numbers, const float* block) const {
    size_t size = numbers / variant->lanes;
    if (of_images(buffer)) variant->unblocked(block, size, filled(n), seedbed::numbers(buffer) + n * variant->lanes * size);
  }
  // Whether the array can be used as it is: of images, or aligned to vectors.
  bool in_place(const Buffer& buffer) const { return of_images(buffer) || aligned(buffer, variant->lanes); }
  // What is wrong with the layout of an input's gradient, or null.
  const char* unlike(const Buffer& dx, const Buffer& x) const {
    return dx.rank != x.rank ? kShapes : in_place(dx) ? nullptr : kAlignment;
  }
  int filled(int64_t n) const { return (int)std::min<int64_t>(variant->lanes, images - n * variant->lanes); }

  // What is wrong with the call, or null.
  const char* read(const Call& call, const Buffer& x, const Buffer& kernel, const Buffer& y, bool depthwise) {
    if (x.rank < 4 || x.rank > 5 || y.rank < 4 || y.rank > 5 || kernel.rank != 4) return kShapes;
    if (!sized(x) || !sized(kernel) || !sized(y)) return kShapes;
    int64_t k = kernel.dims[0], filters = depthwise ? x.dims[3] : kernel.dims[3], lanes = call.attribute("lanes");
    int64_t stride = call.attribute("stride"), pool = call.attribute("pool"), top = call.attribute("top"),
            left = call.attribute("left"), relu = call.attribute("relu");
    if (kernel.dims[1] != k || kernel.dims[2] != x.dims[3] || (depthwise && (kernel.dims[3] != 1 || pool != 1 || relu)) ||
        y.dims[3] != filters)
      return kShapes;
    if (stride < 1 || stride > 1024 || pool < 1 || pool > LARGEST_POOL || top < 0 || left < 0 || top >= k || left >= k || k > 1024 ||
        relu < 0)
      return kShapes;
    geometry = Geometry{(int)x.dims[1], (int)x.dims[2], (int)x.dims[3], (int)filters,   (int)k,    (int)stride, (int)pool,
                        (int)top,       (int)left,      (int)y.dims[1], (int)y.dims[2], relu == 1, false};
    // The last window ends at most k - 1 zeros behind the input.
    auto fits = [&](int64_t outputs, int64_t size, int64_t before) {
      return (outputs * pool - 1) * stride + k <= size + before + k - 1;
    };
    if (!fits(y.dims[1], x.dims[1], top) || !fits(y.dims[2], x.dims[2], left)) return kShapes;
    variant = seedbed::variant((int)lanes);
    if (!variant) return kLanes;
    auto blocked = [&](const Buffer& maps) { return of_images(maps) ? (maps.dims[0] + lanes - 1) / lanes : maps.dims[0]; };
    blocks = blocked(x);
    images = of_images(x) ? x.dims[0] : of_images(y) ? y.dims[0] : blocks * lanes;
    inputs = geometry.inputs() * lanes;
    outputs = geometry.outputs() * lanes;
    weights = count(kernel);
    places = pool > 1 || relu == 1;
    for (const Buffer* maps : {&x, &y})
      if (blocked(*maps) != blocks || (!of_images(*maps) && maps->dims[4] != lanes)) return kShapes;
    if (!holds(x, inputs) || !floats(kernel, weights) || !holds(y, outputs)) return kShapes;
    return in_place(x) && in_place(y) ? nullptr : kAlignment;
  }
};

// The kernel by 180 degrees, with channels and filters exchanged.
std::vector<float> turned(const Geometry& g, const float* kernel) {
  int taps = g.kernel * g.kernel, c = g.channels, o = g.filters;
  std::vector<float> result((size_t)taps * c * o);
  for (int tap = 0; tap < taps; tap++)
    for (int i = 0; i < c; i++)
      for (int j = 0; j < o; j++)
        result[((size_t)tap * o + j) * c + i] = kernel[((size_t)(taps - 1 - tap) * c + i) * o + j];
  return result;
}

// to[i] = sum over blocks of parts[block * stride + i], always in this order.
void add_up(const float* parts, int64_t blocks, size_t stride, size_t size, float* to) {
  std::copy(parts, parts + size, to);
  for (int64_t block = 1; block < blocks; block++)
    for (size_t i = 0; i < size; i++) to[i] += parts[block * stride + i];
}

// (x, kernel, bias) -> (y, where); where is empty where no gradient is wanted
XLA_FFI_Error* forward(const Call& call) {
  Layer layer;
  if (!call.has(3, 2)) return call.error(kShapes);
  const Buffer &x = call.argument(0), &kernel = call.argument(1), &bias = call.argument(2);
  const Buffer &y = call.result(0), &where = call.result(1);
  if (const char* wrong = layer.read(call, x, kernel, y, false)) return call.error(wrong);
  bool noted = count(where) > 0;
  if (!floats(bias, layer.geometry.filters) || !bytes(where, noted && layer.places ? layer.blocks * layer.outputs : 0))
    return call.error(kShapes);
  size_t floats = layer.inputs + layer.outputs + layer.variant->forward_scratch(layer.geometry);
  return Blocks::run(call, layer.blocks, floats, [&](int64_t n, float* scratch) {
    uint8_t* places = noted ? static_cast<uint8_t*>(where.data) + n * layer.outputs : nullptr;
    const float* from = layer.in(x, n, layer.inputs, scratch);
    float* to = layer.out(y, n, layer.outputs, scratch);
    layer.variant->forward(layer.geometry, from, numbers(kernel), numbers(bias), to, places, scratch);
    layer.done(y, n, layer.outputs, to);
  });
}

// (dy, where, x, kernel) -> (dkernel, dbias, dx); dx is empty where it is not wanted
XLA_FFI_Error* backward(const Call& call) {
  Layer layer;
  if (!call.has(4, 3)) return call.error(kShapes);
  const Buffer &dy = call.argument(0), &where = call.argument(1), &x = call.argument(2), &kernel = call.argument(3);
  const Buffer &dkernel = call.result(0), &dbias = call.result(1), &dx = call.result(2);
  if (const char* wrong = layer.read(call, x, kernel, dy, false)) return call.error(wrong);
  Geometry& g = layer.geometry;
  g.inner = count(dx) > 0;
  if (const char* wrong = g.inner ? layer.unlike(dx, x) : nullptr) return call.error(wrong);
  if (!floats(dkernel, layer.weights) || !floats(dbias, g.filters) || !layer.holds(dx, g.inner ? layer.inputs : 0) ||
      !bytes(where, layer.places ? layer.blocks * layer.outputs : 0))
    return call.error(kShapes);
  size_t size = layer.weights + g.filters;
  std::vector<float> parts(layer.blocks * size), back;
  if (g.inner) back = turned(g, numbers(kernel));
  size_t floats = 2 * layer.inputs + layer.outputs + layer.variant->backward_scratch(g);
  XLA_FFI_Error* error = Blocks::run(call, layer.blocks, floats, [&](int64_t n, float* scratch) {
    const uint8_t* places = layer.places ? static_cast<uint8_t*>(where.data) + n * layer.outputs : nullptr;
    float* part = parts.data() + n * size;
    const float *gradient = layer.in(dy, n, layer.outputs, scratch), *from = layer.in(x, n, layer.inputs, scratch);
    float* to = g.inner ? layer.out(dx, n, layer.inputs, scratch) : nullptr;
    layer.variant->backward(g, gradient, places, from, back.data(), part, part + layer.weights, to, scratch);
    if (g.inner) layer.done(dx, n, layer.inputs, to);
  });
  add_up(parts.data(), layer.blocks, size, layer.weights, numbers(dkernel));
  add_up(parts.data() + layer.weights, layer.blocks, size, g.filters, numbers(dbias));
  return error;
}

// (x, kernel) -> y
XLA_FFI_Error* depthwise_forward(const Call& call) {
  Layer layer;
  if (!call.has(2, 1)) return call.error(kShapes);
  const Buffer &x = call.argument(0), &kernel = call.argument(1), &y = call.result(0);
  if (const char* wrong = layer.read(call, x, kernel, y, true)) return call.error(wrong);
  size_t floats = layer.inputs + layer.outputs + layer.variant->forward_scratch(layer.geometry);
  return Blocks::run(call, layer.blocks, floats, [&](int64_t n, float* scratch) {
    const float* from = layer.in(x, n, layer.inputs, scratch);
    float* to = layer.out(y, n, layer.outputs, scratch);
    layer.variant->depthwise_forward(layer.geometry, from, numbers(kernel), to, scratch);
    layer.done(y, n, layer.outputs, to);
  });
}

// (dy, x, kernel) -> (dkernel, dx)
XLA_FFI_Error* depthwise_backward(const Call& call) {
  Layer layer;
  if (!call.has(3, 2)) return call.error(kShapes);
  const Buffer &dy = call.argument(0), &x = call.argument(1), &kernel = call.argument(2);
  const Buffer &dkernel = call.result(0), &dx = call.result(1);
  if (const char* wrong = layer.read(call, x, kernel, dy, true)) return call.error(wrong);
  layer.geometry.inner = true;
  if (const char* wrong = layer.unlike(dx, x)) return call.error(wrong);
  if (!floats(dkernel, layer.weights) || !layer.holds(dx, layer.inputs)) return call.error(kShapes);
  std::vector<float> parts(layer.blocks * layer.weights);
  size_t floats = 2 * layer.inputs + layer.outputs + layer.variant->backward_scratch(layer.geometry);
  XLA_FFI_Error* error = Blocks::run(call, layer.blocks, floats, [&](int64_t n, float* scratch) {
    const float *gradient = layer.in(dy, n, layer.outputs, scratch), *from = layer.in(x, n, layer.inputs, scratch);
    float* to = layer.out(dx, n, layer.inputs, scratch);
    layer.variant->depthwise_backward(layer.geometry, gradient, from, numbers(kernel), parts.data() + n * layer.weights, to,
                                      scratch);
    layer.done(dx, n, layer.inputs, to);
  });
  add_up(parts.data(), layer.blocks, layer.weights, layer.weights, numbers(dkernel));
  return error;
}

// Maps x (images, height, width, numbers) and their maxima y (images, pooled height, pooled width, numbers).
struct Pool {
  Pooling pooling{};
  const Variant* variant = nullptr;
  int64_t images = 0, inputs = 0, outputs = 0;  // numbers of an image

  const char* read(const Call& call, const Buffer& x, const Buffer& y) {
    if (x.rank != 4 || y.rank != 4 || !sized(x) || !sized(y)) return kShapes;
    int64_t rows = call.attribute("rows"), columns = call.attribute("columns"), down = call.attribute("down"),
            across = call.attribute("across"), top = call.attribute("top"), left = call.attribute("left");
    for (int64_t size : {rows, columns, down, across})
      if (size < 1 || size > 1024) return kShapes;
    for (int64_t size : {top, left})
      if (size < 0 || size > 1024) return kShapes;
    images = x.dims[0], inputs = count(x) / images, outputs = count(y) / images;
    if (rows * columns > 254 || y.dims[0] != images || y.dims[3] != x.dims[3] || !floats(x, count(x)) || !floats(y, count(y)))
      return kShapes;
    pooling = Pooling{x.dims[1],   x.dims[2], x.dims[3],  (int)rows, (int)columns, (int)down,
                      (int)across, (int)top,  (int)left, y.dims[1], y.dims[2]};
    variant = seedbed::variant((int)call.attribute("lanes"));
    return variant ? nullptr : kLanes;
  }
};

// x -> (y, where); where is empty where no gradient is wanted
XLA_FFI_Error* max_pool(const Call& call) {
  Pool pool;
  if (!call.has(1, 2)) return call.error(kShapes);
  const Buffer &x = call.argument(0), &y = call.result(0), &where = call.result(1);
  if (const char* wrong = pool.read(call, x, y)) return call.error(wrong);
  bool noted = count(where) > 0;
  if (!bytes(where, noted ? count(y) : 0)) return call.error(kShapes);
  return Blocks::run(call, pool.images, 0, [&](int64_t n, float*) {
    uint8_t* places = noted ? static_cast<uint8_t*>(where.data) + n * pool.outputs : nullptr;
    pool.variant->max_pool(pool.pooling, numbers(x) + n * pool.inputs, numbers(y) + n * pool.outputs, places);
  });
}

// (dy, where) -> dx
XLA_FFI_Error* spread_maxima(const Call& call) {
  Pool pool;
  if (!call.has(2, 1)) return call.error(kShapes);
  const Buffer &dy = call.argument(0), &where = call.argument(1), &dx = call.result(0);
  if (const char* wrong = pool.read(call, dx, dy)) return call.error(wrong);
  if (!bytes(where, count(dy))) return call.error(kShapes);
  return Blocks::run(call, pool.images, 0, [&](int64_t n, float*) {
    const uint8_t* places = static_cast<uint8_t*>(where.data) + n * pool.outputs;
    pool.variant->spread_maxima(pool.pooling, numbers(dy) + n * pool.outputs, places, numbers(dx) + n * pool.inputs);
  });
}

}  // namespace
}  // namespace seedbed

EXPORT XLA_FFI_Error* seedbed_forward(XLA_FFI_CallFrame* frame) { return seedbed::handled<seedbed::forward>(frame); }
EXPORT XLA_FFI_Error* seedbed_backward(XLA_FFI_CallFrame* frame) { return seedbed::handled<seedbed::backward>(frame); }
EXPORT XLA_FFI_Error* seedbed_depthwise_forward(XLA_FFI_CallFrame* frame) {
  return seedbed::handled<seedbed::depthwise_forward>(frame);
}
EXPORT XLA_FFI_Error* seedbed_depthwise_backward(XLA_FFI_CallFrame* frame) {
  return seedbed::handled<seedbed::depthwise_backward>(frame);
}
EXPORT XLA_FFI_Error* seedbed_max_pool(XLA_FFI_CallFrame* frame) { return seedbed::handled<seedbed::max_pool>(frame); }
EXPORT XLA_FFI_Error* seedbed_spread_maxima(XLA_FFI_CallFrame* frame) {
  return seedbed::handled<seedbed::spread_maxima>(frame);
}
