// A call from a compiled program by XLA's C interface: its arrays, attributes, threads and errors.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "xla/ffi/api/c_api.h"

namespace seedbed {

class Call {
 public:
  explicit Call(XLA_FFI_CallFrame* frame) : frame_(frame) {}

  bool has(int64_t arguments, int64_t results) const {
    return frame_->args.size == arguments && frame_->rets.size == results;
  }
  const XLA_FFI_Buffer& argument(int number) const { return *static_cast<XLA_FFI_Buffer*>(frame_->args.args[number]); }
  const XLA_FFI_Buffer& result(int number) const { return *static_cast<XLA_FFI_Buffer*>(frame_->rets.rets[number]); }

  // An integer attribute, or -1 without it.
  int64_t attribute(const char* name) const {
    const XLA_FFI_Attrs& all = frame_->attrs;
    for (int64_t i = 0; i < all.size; i++) {
      const auto* scalar = static_cast<const XLA_FFI_Scalar*>(all.attrs[i]);
      if (named(all, i, name) && all.types[i] == XLA_FFI_AttrType_SCALAR && scalar->dtype == XLA_FFI_DataType_S64)
        return *static_cast<const int64_t*>(scalar->value);
    }
    return -1;
  }

  // A list of integers, or nothing without it.
  std::vector<int64_t> attributes(const char* name) const {
    const XLA_FFI_Attrs& all = frame_->attrs;
    for (int64_t i = 0; i < all.size; i++) {
      const auto* list = static_cast<const XLA_FFI_Array*>(all.attrs[i]);
      if (named(all, i, name) && all.types[i] == XLA_FFI_AttrType_ARRAY && list->dtype == XLA_FFI_DataType_S64)
        return {static_cast<const int64_t*>(list->data), static_cast<const int64_t*>(list->data) + list->size};
    }
    return {};
  }

  // Threads of the program; 1 where it has no pool.
  int64_t threads() const {
    int64_t threads = 1;
    XLA_FFI_ThreadPool_NumThreads_Args args{XLA_FFI_ThreadPool_NumThreads_Args_STRUCT_SIZE, nullptr, frame_->ctx, &threads};
    return drop(frame_->api->XLA_FFI_ThreadPool_NumThreads(&args)) ? threads : 1;
  }

  // Runs a task on another thread, at some time; not at all if there is no pool.
  void schedule(std::function<void()> task) const {
    auto* data = new std::function<void()>(std::move(task));
    XLA_FFI_Task* run = [](void* it) {
      auto* task = static_cast<std::function<void()>*>(it);
      (*task)();
      delete task;
    };
    XLA_FFI_ThreadPool_Schedule_Args args{XLA_FFI_ThreadPool_Schedule_Args_STRUCT_SIZE, nullptr, frame_->ctx, run, data};
    if (!drop(frame_->api->XLA_FFI_ThreadPool_Schedule(&args))) delete data;
  }

  XLA_FFI_Error* error(const char* message) const {
    XLA_FFI_Error_Create_Args args{XLA_FFI_Error_Create_Args_STRUCT_SIZE, nullptr, message, XLA_FFI_Error_Code_INVALID_ARGUMENT};
    return frame_->api->XLA_FFI_Error_Create(&args);
  }

  // Whether XLA asks for the version of its interface instead of a result; answers it.
  bool answered() const {
    XLA_FFI_Extension_Base* extension = frame_->extension_start;
    if (!extension || extension->type != XLA_FFI_Extension_Metadata) return false;
    XLA_FFI_Metadata* metadata = reinterpret_cast<XLA_FFI_Metadata_Extension*>(extension)->metadata;
    metadata->api_version = {XLA_FFI_Api_Version_STRUCT_SIZE, nullptr, XLA_FFI_API_MAJOR, XLA_FFI_API_MINOR};
    metadata->traits = 0;
    metadata->state_type_id = XLA_FFI_UNKNOWN_TYPE_ID;
    return true;
  }

 private:
  static bool named(const XLA_FFI_Attrs& all, int64_t i, const char* name) {
    return all.names[i]->len == std::strlen(name) && !std::strncmp(all.names[i]->ptr, name, all.names[i]->len);
  }

  // Whether there was no error; one that there was is freed.
  bool drop(XLA_FFI_Error* error) const {
    if (!error) return true;
    XLA_FFI_Error_Destroy_Args args{XLA_FFI_Error_Destroy_Args_STRUCT_SIZE, nullptr, error};
    frame_->api->XLA_FFI_Error_Destroy(&args);
    return false;
  }

  XLA_FFI_CallFrame* frame_;
};

using Buffer = XLA_FFI_Buffer;

constexpr const char* kShapes = "seedbed's kernels: the shapes do not fit each other.";
constexpr const char* kLanes = "seedbed's kernels: this processor has no such vectors.";
constexpr const char* kLabels = "seedbed's kernels: an image has a class that there is not.";
constexpr const char* kAlignment = "seedbed's kernels: the arrays are not aligned to vectors.";
constexpr const char* kMemory = "seedbed's kernels: out of memory.";

inline size_t count(const Buffer& buffer) {
  size_t numbers = 1;
  for (int64_t axis = 0; axis < buffer.rank; axis++) numbers *= buffer.dims[axis];
  return numbers;
}

// Whether no axis is empty, or so long that products of sizes overflow.
inline bool sized(const Buffer& buffer) {
  return std::all_of(buffer.dims, buffer.dims + buffer.rank, [](int64_t size) { return size >= 1 && size <= (1 << 24); });
}

inline bool floats(const Buffer& buffer, size_t numbers) { return buffer.dtype == XLA_FFI_DataType_F32 && count(buffer) == numbers; }
inline bool bytes(const Buffer& buffer, size_t numbers) { return buffer.dtype == XLA_FFI_DataType_U8 && count(buffer) == numbers; }
inline bool aligned(const Buffer& buffer, int64_t lanes) { return (uintptr_t)buffer.data % (sizeof(float) * lanes) == 0; }
inline float* numbers(const Buffer& buffer) { return static_cast<float*>(buffer.data); }

// Neighbouring numbers of one owner.
struct Range {
  int64_t owner, start, stop;
};

// The ranges of an array of so many numbers, from the attribute `ranges` (owner, count, ...); nothing where they do not fit it.
inline std::vector<Range> ranges(const Call& call, size_t total, size_t owners) {
  std::vector<int64_t> sizes = call.attributes("ranges");
  std::vector<Range> found;
  int64_t end = 0;
  for (size_t i = 0; i + 1 < sizes.size(); i += 2) {
    int64_t owner = sizes[i], size = sizes[i + 1];
    if (owner < 0 || owner >= (int64_t)owners || size < 1 || size > (int64_t)total - end) return {};
    found.push_back({owner, end, end + size});
    end += size;
  }
  return end == (int64_t)total ? found : std::vector<Range>{};
}

struct Free {
  void operator()(float* memory) const { std::free(memory); }
};

// Calls work(block, scratch) for each block, on this thread and those of the program's pool. The caller never waits for a task
// that has not started, since the pool's threads may all be busy, or be this one; a task that starts late finds nothing to do.
class Blocks {
 public:
  using Work = std::function<void(int64_t, float*)>;

  // `floats` is the scratch memory of each thread. This one takes `spare`, where that is large enough: to allocate as much for
  // every call would take a tenth of the time of small ones.
  static XLA_FFI_Error* run(const Call& call, int64_t blocks, size_t floats, Work work, const Buffer* spare = nullptr) {
    auto shared = std::make_shared<Blocks>(blocks, floats, std::move(work));
    int64_t helpers = std::min(call.threads(), blocks) - 1;
    for (int64_t helper = 0; helper < helpers; helper++) call.schedule([shared] { shared->take(nullptr); });
    shared->take(spare && count(*spare) >= floats && aligned(*spare, 16) ? numbers(*spare) : nullptr);
    std::unique_lock<std::mutex> lock(shared->mutex_);
    shared->ended_.wait(lock, [&] { return shared->done_ == shared->blocks_; });
    return shared->failed_ ? call.error(kMemory) : nullptr;
  }

  Blocks(int64_t blocks, size_t floats, Work work) : blocks_(blocks), floats_(floats), work_(std::move(work)) {}

 private:
  void take(float* scratch) {
    std::unique_ptr<float, Free> own;
    for (int64_t block; (block = next_++) < blocks_;) {
      if (!scratch) own.reset(scratch = static_cast<float*>(std::aligned_alloc(64, (floats_ * sizeof(float) + 127) / 64 * 64)));
      if (scratch) work_(block, scratch);
      std::lock_guard<std::mutex> lock(mutex_);
      failed_ = failed_ || !scratch;
      if (++done_ == blocks_) ended_.notify_all();
    }
  }

  const int64_t blocks_;
  const size_t floats_;
  const Work work_;
  std::atomic<int64_t> next_{0};
  std::mutex mutex_;
  std::condition_variable ended_;
  int64_t done_ = 0;
  bool failed_ = false;
};

// A handler of XLA: no exception may leave it.
template <XLA_FFI_Error* (*function)(const Call&)>
XLA_FFI_Error* handled(XLA_FFI_CallFrame* frame) {
  Call call(frame);
  if (call.answered()) return nullptr;
  try {
    return function(call);
  } catch (...) {  // no memory for sums or threads
    return call.error(kMemory);
  }
}

}  // namespace seedbed

#define EXPORT extern "C" __attribute__((visibility("default")))
