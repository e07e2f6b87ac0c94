// An optimizer's step as a function of a compiled program: weights and slots of several networks are moved in place.

#include <algorithm>
#include <vector>

#include "call.h"
#include "variant.h"

namespace seedbed {
namespace {

constexpr int64_t PIECE = 1 << 15;  // numbers that a thread takes at a time
constexpr int VALUES = 6;           // arguments with a value for each member

// (weights, slots ..., gradients, rates, decays, momentum, l1, l2, alive) -> (weights, slots ...), in the same memory
XLA_FFI_Error* step(const Call& call) {
  int64_t rule = call.attribute("rule");
  const Variant* variant = seedbed::variant((int)call.attribute("lanes"));
  if (!variant) return call.error(kLanes);
  if (rule < 0 || rule >= kRules) return call.error(kShapes);
  int slots = kSlots[rule];
  if (!call.has(slots + 2 + VALUES, slots + 1)) return call.error(kShapes);
  size_t total = count(call.argument(0)), members = count(call.argument(slots + 2));
  float* arrays[4] = {};  // weights, gradients, slots
  for (int i = 0; i <= slots + 1; i++) {
    const Buffer& array = call.argument(i);
    bool moved = i <= slots && call.result(i).data == array.data && floats(call.result(i), total);
    if (!floats(array, total) || (i <= slots && !moved)) return call.error(kShapes);
    arrays[i == 0 ? 0 : i <= slots ? i + 1 : 1] = numbers(array);
  }
  const float* values[VALUES - 1];
  for (int i = 0; i < VALUES - 1; i++) {
    if (!floats(call.argument(slots + 2 + i), members)) return call.error(kShapes);
    values[i] = numbers(call.argument(slots + 2 + i));
  }
  const Buffer& alive = call.argument(slots + 1 + VALUES);
  if (alive.dtype != XLA_FFI_DataType_PRED || count(alive) != members) return call.error(kShapes);

  std::vector<Range> all = ranges(call, total, members);
  if (all.empty()) return call.error(kShapes);

  bool kernel = call.attribute("kernel") == 1;  // only kernels shrink, and have a penalty
  int64_t pieces = std::max<int64_t>(1, total / PIECE);
  return Blocks::run(call, pieces, 0, [&](int64_t piece, float*) {
    int64_t first = total * piece / pieces, next = total * (piece + 1) / pieces;
    for (const Range& range : all) {
      int64_t start = std::max(first, range.start), size = std::min(next, range.stop) - start, m = range.owner;
      if (size < 1 || !static_cast<const bool*>(alive.data)[m]) continue;
      StepValues of{values[0][m], values[2][m], kernel ? values[1][m] : 0, kernel ? values[3][m] : 0, kernel ? values[4][m] : 0};
      auto at = [&](float* array) { return array ? array + start : nullptr; };
      variant->step((Rule)rule, of, size, at(arrays[0]), at(arrays[1]), at(arrays[2]), at(arrays[3]));
    }
  });
}

}  // namespace
}  // namespace seedbed

EXPORT XLA_FFI_Error* seedbed_step(XLA_FFI_CallFrame* frame) { return seedbed::handled<seedbed::step>(frame); }
