// The gradient of the loss as a function of a compiled program.

#include <algorithm>

#include "call.h"
#include "variant.h"

namespace seedbed {
namespace {

// (logits (members, classes, images), labels, weights, class weights (members, classes) or nothing) -> (gradients)
XLA_FFI_Error* loss_gradients(const Call& call) {
  const Variant* variant = seedbed::variant((int)call.attribute("lanes"));
  if (!variant) return call.error(kLanes);
  if (!call.has(4, 1)) return call.error(kShapes);
  const Buffer &logits = call.argument(0), &labels = call.argument(1), &weights = call.argument(2);
  const Buffer &of_classes = call.argument(3), &gradients = call.result(0);
  if (logits.rank != 3 || !sized(logits)) return call.error(kShapes);
  int64_t members = logits.dims[0], classes = logits.dims[1], images = logits.dims[2];
  size_t all = count(logits), weighted = count(of_classes);
  bool whole = floats(logits, all) && floats(gradients, all) && floats(weights, images) &&
               floats(of_classes, weighted ? members * classes : 0);
  if (!whole || labels.dtype != XLA_FFI_DataType_S32 || count(labels) != (size_t)images) return call.error(kShapes);
  const auto* label = static_cast<const int32_t*>(labels.data);
  if (!std::all_of(label, label + images, [=](int32_t of) { return of >= 0 && of < classes; })) return call.error(kLabels);
  return Blocks::run(call, members, 0, [&](int64_t member, float*) {
    int64_t at = member * classes * images;
    const float* own = weighted ? numbers(of_classes) + member * classes : nullptr;
    variant->loss_gradients(numbers(logits) + at, classes, images, label, numbers(weights), own, numbers(gradients) + at);
  });
}

}  // namespace
}  // namespace seedbed

EXPORT XLA_FFI_Error* seedbed_loss_gradients(XLA_FFI_CallFrame* frame) { return seedbed::handled<seedbed::loss_gradients>(frame); }
