// Which variants the processor can run.

#include "variant.h"

namespace seedbed {

const Variant* variant(int lanes) {
#ifdef SEEDBED_X86
  __builtin_cpu_init();
  if (lanes == avx512.lanes && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("fma"))
    return &avx512;
  if (lanes == avx2.lanes && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &avx2;
#endif
  return lanes == portable.lanes ? &portable : nullptr;
}

}  // namespace seedbed

extern "C" __attribute__((visibility("default"))) int seedbed_lanes() {
  for (int lanes = 16; lanes > 4; lanes /= 2)
    if (seedbed::variant(lanes)) return lanes;
  return 4;
}
