// A variant of all kernels: included by each with its own LANES, VARIANT and register blocks.

#include "activations.h"
#include "kernels.h"
#include "losses.h"
#include "products.h"
#include "steps.h"
#include "sums.h"

namespace seedbed {

const Variant VARIANT = {LANES,
                         forward_scratch,
                         backward_scratch,
                         forward,
                         backward,
                         depthwise_forward,
                         depthwise_backward,
                         max_pool,
                         spread_maxima,
                         blocked,
                         unblocked,
                         product_scratch,
                         product,
                         row_sums,
                         step,
                         scores,
                         norms,
                         activate,
                         activate_backward,
                         saturated,
                         loss_gradients};

}  // namespace seedbed
