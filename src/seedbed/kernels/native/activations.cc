// Activations as functions of a compiled program: a layer of several networks, each with its own one; logits are gathered.

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "call.h"
#include "variant.h"

namespace seedbed {
namespace {

constexpr int64_t PIECE = 1 << 14;  // numbers that a thread takes at a time

// Neighbouring units of one member: hidden ones with an activation, or logits. `at` is the first row in the array of hidden units
// or of logits.
struct Units {
  int64_t activation, member, row, count, at;
  bool hidden;
};

// The units of a layer, from the attribute `units` (activation or -1, member, count, ...): rows of z (rows, images), of which the
// hidden ones are rows of x (hidden rows, images), and the others are rows of logits (members * classes, images).
struct Layer {
  std::vector<Units> units;
  const Variant* variant = nullptr;
  const bool* alive = nullptr;
  int64_t rows = 0, hidden = 0, images = 0;

  // What is wrong with the call, or null.
  const char* read(const Call& call, const Buffer& alive, const Buffer& x, int64_t logits) {
    std::vector<int64_t> sizes = call.attributes("units");
    int64_t members = count(alive);
    variant = seedbed::variant((int)call.attribute("lanes"));
    if (!variant) return kLanes;
    if (sizes.empty() || sizes.size() % 3 || x.rank != 2 || alive.dtype != XLA_FFI_DataType_PRED) return kShapes;
    this->alive = static_cast<const bool*>(alive.data);
    images = x.dims[1];
    for (size_t i = 0; i < sizes.size(); i += 3) {
      Units of{sizes[i], sizes[i + 1], rows, sizes[i + 2], hidden, sizes[i] >= 0};
      if (of.activation < -1 || of.activation >= kActivations || of.member < 0 || of.member >= members) return kShapes;
      if (of.count < 1 || of.count > (1 << 24)) return kShapes;
      if (!of.hidden) of.at = of.member * of.count;
      if (!of.hidden && of.count * members != logits) return kShapes;
      rows += of.count;
      hidden += of.hidden ? of.count : 0;
      units.push_back(of);
    }
    return images >= 1 && images <= (1 << 24) && x.dims[0] == hidden && floats(x, count(x)) ? nullptr : kShapes;
  }

  // For some of a member's units at a time: place(units) says from where to where they go, and work(units, from, to) computes
  // hidden ones. Logits are copied, and what belongs to members that are not alive is 0.
  template <class Place, class Work>
  XLA_FFI_Error* run(const Call& call, Place place, Work work) {
    int64_t pieces = std::max<int64_t>(1, rows * images / PIECE);
    return Blocks::run(call, pieces, 0, [&](int64_t piece, float*) {
      int64_t first = rows * piece / pieces, next = rows * (piece + 1) / pieces;
      for (const Units& of : units) {
        int64_t row = std::max(first, of.row), stop = std::min(next, of.row + of.count);
        if (row >= stop) continue;
        Units some{of.activation, of.member, row, stop - row, of.at + row - of.row, of.hidden};
        auto [from, to] = place(some);
        if (!alive[of.member])
          std::fill_n(to, some.count * images, 0.0f);
        else if (of.hidden)
          work(some, from, to);
        else
          std::copy_n(from, some.count * images, to);
      }
    });
  }
};

// (logits, alive, z) -> (logits, in the same memory, x)
XLA_FFI_Error* activate(const Call& call) {
  Layer layer;
  if (!call.has(3, 2)) return call.error(kShapes);
  const Buffer &logits = call.argument(0), &alive = call.argument(1), &z = call.argument(2);
  const Buffer &gathered = call.result(0), &x = call.result(1);
  if (logits.rank != 2) return call.error(kShapes);
  if (const char* wrong = layer.read(call, alive, x, logits.dims[0])) return call.error(wrong);
  size_t width = layer.images, all = logits.dims[0] * width;
  if (!floats(z, layer.rows * width) || !floats(logits, all) || !floats(gathered, all) || gathered.data != logits.data)
    return call.error(kShapes);
  auto place = [&](const Units& of) {
    return std::pair(numbers(z) + of.row * width, numbers(of.hidden ? x : gathered) + of.at * width);
  };
  return layer.run(call, place, [&](const Units& of, const float* from, float* to) {
    layer.variant->activate((Activation)of.activation, from, of.count * width, to);
  });
}

// (dlogits, alive, z, x, dx) -> (dz)
XLA_FFI_Error* activate_backward(const Call& call) {
  Layer layer;
  if (!call.has(5, 1)) return call.error(kShapes);
  const Buffer &dlogits = call.argument(0), &alive = call.argument(1), &z = call.argument(2), &x = call.argument(3);
  const Buffer &dx = call.argument(4), &dz = call.result(0);
  if (dlogits.rank != 2) return call.error(kShapes);
  if (const char* wrong = layer.read(call, alive, x, dlogits.dims[0])) return call.error(wrong);
  size_t width = layer.images, all = layer.rows * width;
  if (!floats(z, all) || !floats(dz, all) || !floats(dx, count(x)) || !floats(dlogits, dlogits.dims[0] * width))
    return call.error(kShapes);
  auto place = [&](const Units& of) {
    return std::pair(numbers(of.hidden ? dx : dlogits) + of.at * width, numbers(dz) + of.row * width);
  };
  return layer.run(call, place, [&](const Units& of, const float* from, float* to) {
    const float *inputs = numbers(z) + of.row * width, *outputs = numbers(x) + of.at * width;
    layer.variant->activate_backward((Activation)of.activation, inputs, outputs, from, of.count * width, to);
  });
}

// (alive, x) -> (share of saturated units of each member); not a number where it has no hidden unit here
XLA_FFI_Error* saturation(const Call& call) {
  Layer layer;
  if (!call.has(2, 1)) return call.error(kShapes);
  const Buffer &alive = call.argument(0), &x = call.argument(1), &shares = call.result(0);
  if (const char* wrong = layer.read(call, alive, x, 0)) return call.error(wrong);
  if (!floats(shares, count(alive))) return call.error(kShapes);
  std::fill_n(numbers(shares), count(alive), NAN);
  for (const Units& of : layer.units)
    if (layer.alive[of.member])
      numbers(shares)[of.member] = (float)layer.variant->saturated((Activation)of.activation,
                                                                  numbers(x) + of.at * layer.images, of.count, layer.images);
  return nullptr;
}

}  // namespace
}  // namespace seedbed

EXPORT XLA_FFI_Error* seedbed_activate(XLA_FFI_CallFrame* frame) { return seedbed::handled<seedbed::activate>(frame); }
EXPORT XLA_FFI_Error* seedbed_activate_backward(XLA_FFI_CallFrame* frame) {
  return seedbed::handled<seedbed::activate_backward>(frame);
}
EXPORT XLA_FFI_Error* seedbed_saturation(XLA_FFI_CallFrame* frame) { return seedbed::handled<seedbed::saturation>(frame); }
