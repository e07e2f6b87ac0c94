// Sums as functions of a compiled program: scores of images by their classes, and norms of the arrays of several networks.

#include <new>
#include <vector>

#include "call.h"
#include "variant.h"

namespace seedbed {
namespace {

// (sums (parts, members, 3, classes), part, logits (members, classes, images), labels, weights) -> (sums), in the same memory
XLA_FFI_Error* scores(const Call& call) {
  const Variant* variant = seedbed::variant((int)call.attribute("lanes"));
  if (!variant) return call.error(kLanes);
  if (!call.has(5, 1)) return call.error(kShapes);
  const Buffer &part = call.argument(1), &logits = call.argument(2), &labels = call.argument(3), &weights = call.argument(4);
  const Buffer& sums = call.result(0);
  if (logits.rank != 3 || sums.rank != 4 || !sized(logits) || !sized(sums)) return call.error(kShapes);
  int64_t members = logits.dims[0], classes = logits.dims[1], images = logits.dims[2], parts = sums.dims[0];
  size_t each = 3 * classes, total = parts * members * each;
  bool whole = floats(logits, count(logits)) && floats(sums, total) && floats(call.argument(0), total) && floats(weights, images);
  bool numbered = part.dtype == XLA_FFI_DataType_S32 && count(part) == 1;
  bool labelled = labels.dtype == XLA_FFI_DataType_S32 && count(labels) == (size_t)images;
  if (!whole || !numbered || !labelled || sums.data != call.argument(0).data) return call.error(kShapes);
  int64_t number = *static_cast<const int32_t*>(part.data);
  if (number < 0 || number >= parts) return call.error(kShapes);
  return Blocks::run(call, members, 2 * each, [&](int64_t member, float* scratch) {
    double* own = new (scratch) double[each]();
    const float* from = numbers(logits) + member * classes * images;
    variant->scores(from, classes, images, static_cast<const int32_t*>(labels.data), numbers(weights), own);
    float* to = numbers(sums) + (number * members + member) * each;
    for (size_t i = 0; i < each; i++) to[i] += (float)own[i];
  });
}

// (x) -> (sums (3, owners)): numbers, sizes and squares of each owner
XLA_FFI_Error* norms(const Call& call) {
  const Variant* variant = seedbed::variant((int)call.attribute("lanes"));
  if (!variant) return call.error(kLanes);
  if (!call.has(1, 1)) return call.error(kShapes);
  const Buffer &x = call.argument(0), &result = call.result(0);
  size_t owners = count(result) / 3, total = count(x);
  if (!floats(x, total) || !floats(result, 3 * owners)) return call.error(kShapes);
  std::vector<Range> all = ranges(call, total, owners);
  if (all.empty()) return call.error(kShapes);
  std::vector<double> sums(3 * owners);
  for (const Range& range : all) variant->norms(numbers(x) + range.start, range.stop - range.start, &sums[3 * range.owner]);
  for (size_t owner = 0; owner < owners; owner++)
    for (size_t kind = 0; kind < 3; kind++) numbers(result)[kind * owners + owner] = (float)sums[3 * owner + kind];
  return nullptr;
}

}  // namespace
}  // namespace seedbed

EXPORT XLA_FFI_Error* seedbed_scores(XLA_FFI_CallFrame* frame) { return seedbed::handled<seedbed::scores>(frame); }
EXPORT XLA_FFI_Error* seedbed_norms(XLA_FFI_CallFrame* frame) { return seedbed::handled<seedbed::norms>(frame); }
