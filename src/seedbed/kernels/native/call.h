// A call from a compiled program by XLA's C interface: its arrays, attributes, threads and errors.
#pragma once

#include <cstring>
#include <functional>
#include <utility>

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
      bool same = all.names[i]->len == std::strlen(name) && !std::strncmp(all.names[i]->ptr, name, all.names[i]->len);
      if (same && all.types[i] == XLA_FFI_AttrType_SCALAR && scalar->dtype == XLA_FFI_DataType_S64)
        return *static_cast<const int64_t*>(scalar->value);
    }
    return -1;
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
  // Whether there was no error; one that there was is freed.
  bool drop(XLA_FFI_Error* error) const {
    if (!error) return true;
    XLA_FFI_Error_Destroy_Args args{XLA_FFI_Error_Destroy_Args_STRUCT_SIZE, nullptr, error};
    frame_->api->XLA_FFI_Error_Destroy(&args);
    return false;
  }

  XLA_FFI_CallFrame* frame_;
};

}  // namespace seedbed
