// A layer of several networks as a function of a compiled program: products with a matrix that has blocks on its diagonal.

#include <algorithm>
#include <vector>

#include "call.h"
#include "variant.h"

namespace seedbed {
namespace {

constexpr int64_t LONG = 1 << 20;  // multiplications from which on a product is divided among threads

// `members` matrices (outputs, inputs), one after the other from number `kernel` on; the first has rows of inputs from `from`
// on, and rows of outputs from `to` on.
struct Block {
  int64_t members, outputs, inputs, from, to;
  size_t kernel;
};

// Some rows of the result of one member's product; of a gradient either those of its matrix, or those of its inputs. Only the
// `wanted` ones are computed: others belong to members that are not alive, and are 0.
struct Part {
  const Block* block;
  int64_t member;
  Rows all;
  std::vector<Rows> wanted;
  bool inner;
};

// kernels (numbers), x (rows of inputs, columns), z (rows of outputs, columns); or images x (columns, inputs) of one block.
struct Diagonal {
  std::vector<Block> blocks;
  std::vector<Rows> living;  // rows of outputs whose owners are alive
  std::vector<Part> parts;
  const Variant* variant = nullptr;
  int64_t inputs = 0, outputs = 0, columns = 0;
  size_t weights = 0;
  bool images = false;

  // What is wrong with the call, or null.
  const char* read(const Call& call, const Buffer& alive, const Buffer& kernels, const Buffer& x, const Buffer& z) {
    std::vector<int64_t> sizes = call.attributes("blocks");
    images = call.attribute("images") == 1;
    variant = seedbed::variant((int)call.attribute("lanes"));
    if (!variant) return kLanes;
    if (sizes.empty() || sizes.size() % 4 || x.rank != 2 || z.rank != 2 || !sized(x) || !sized(z)) return kShapes;
    columns = z.dims[1];
    std::vector<std::pair<int64_t, int64_t>> rows;
    for (size_t i = 0; i < sizes.size(); i += 4) {
      Block block{sizes[i], sizes[i + 1], sizes[i + 2], sizes[i + 3], outputs, weights};
      for (int64_t size : {block.members, block.outputs, block.inputs})
        if (size < 1 || size > (1 << 24)) return kShapes;
      if (block.members * block.outputs > (1 << 24)) return kShapes;  // so that products of sizes do not overflow
      outputs += block.members * block.outputs;
      inputs += block.members * block.inputs;
      weights += block.members * block.outputs * block.inputs;
      rows.emplace_back(block.from, block.members * block.inputs);
      blocks.push_back(block);
    }
    std::sort(rows.begin(), rows.end());
    int64_t next = 0;
    for (auto [from, count] : rows) {  // each row of the inputs belongs to one block
      if (from != next) return kShapes;
      next += count;
    }
    if (images && (blocks.size() != 1 || blocks[0].members != 1)) return kShapes;
    std::vector<Range> owned = ranges(call, outputs, count(alive));
    if (owned.empty() || alive.dtype != XLA_FFI_DataType_PRED) return kShapes;
    for (Range range : owned) {
      if (!static_cast<const bool*>(alive.data)[range.owner]) continue;
      if (living.empty() || living.back().first + living.back().count < range.start) living.push_back({range.start, 0});
      living.back().count = range.stop - living.back().first;
    }
    bool fits = x.dims[images] == inputs && x.dims[!images] == columns && z.dims[0] == outputs;
    return fits && floats(kernels, weights) && floats(x, count(x)) && floats(z, count(z)) ? nullptr : kShapes;
  }

  // Divides the rows of results, and among threads those of long products.
  void divide(const Call& call, bool inner) {
    for (const Block& block : blocks) {
      int64_t rows = inner ? block.inputs : block.outputs;
      int64_t pieces = block.outputs * block.inputs * columns < LONG ? 1 : std::min(rows, call.threads());
      for (int64_t member = 0; member < block.members; member++)
        for (int64_t piece = 0; piece < pieces; piece++) {
          int64_t first = rows * piece / pieces, next = rows * (piece + 1) / pieces;
          Part part{&block, member, {first, next - first}, {}, inner};
          part.wanted = inner ? living_of(part, {0, block.outputs}) : living_of(part, part.all);
          if (inner && !part.wanted.empty()) part.wanted = {part.all};
          parts.push_back(std::move(part));
        }
    }
  }

  // Those of a member's rows of outputs whose owners are alive.
  std::vector<Rows> living_of(const Part& part, Rows rows) const {
    std::vector<Rows> found;
    for (Rows some : living) {
      int64_t first = std::max(some.first - (int64_t)out(part), rows.first);
      int64_t count = std::min(some.first + some.count - (int64_t)out(part), rows.first + rows.count) - first;
      if (count > 0) found.push_back({first, count});
    }
    return found;
  }

  // Calls work(part, scratch) for all parts.
  template <class Products, class Work>
  XLA_FFI_Error* run(const Call& call, const Buffer& spare, Products product, Work work) {
    size_t scratch = 0;
    for (const Part& part : parts) scratch = std::max(scratch, variant->product_scratch(product(part)));
    auto each = [&](int64_t n, float* memory) { work(parts[n], product(parts[n]), memory); };
    return Blocks::run(call, parts.size(), scratch, each, &spare);
  }

  // Where a member's inputs begin, the row of its first output, and where its matrix begins.
  size_t in(const Part& part) const { return (part.block->from + part.member * part.block->inputs) * (images ? 1 : columns); }
  size_t out(const Part& part) const { return part.block->to + part.member * part.block->outputs; }
  size_t matrix(const Part& part) const { return part.block->kernel + part.member * part.block->outputs * part.block->inputs; }
};

// Fills the rows that are not wanted, of `size` numbers each, with zeros.
void clear(const Part& part, float* result, size_t size) {
  int64_t next = part.all.first;
  auto clear_to = [&](int64_t stop) { std::fill_n(result + next * size, (stop - next) * size, 0.0f); };
  for (Rows rows : part.wanted) clear_to(rows.first), next = rows.first + rows.count;
  clear_to(part.all.first + part.all.count);
}

// (alive, kernels, biases, x) -> (z, memory of which nothing is read)
XLA_FFI_Error* multiply(const Call& call) {
  Diagonal layer;
  if (!call.has(4, 2)) return call.error(kShapes);
  const Buffer &kernels = call.argument(1), &biases = call.argument(2), &x = call.argument(3), &z = call.result(0);
  if (const char* wrong = layer.read(call, call.argument(0), kernels, x, z)) return call.error(wrong);
  if (!floats(biases, layer.outputs)) return call.error(kShapes);
  layer.divide(call, false);
  size_t width = layer.columns;
  auto product = [&](const Part& part) {
    size_t inputs = part.block->inputs;
    size_t step = layer.images ? inputs : width;
    return Product{part.wanted, (int64_t)width, (int64_t)inputs, inputs, step, width, false, layer.images};
  };
  return layer.run(call, call.result(1), product, [&](const Part& part, const Product& p, float* memory) {
    size_t row = layer.out(part);
    const float* kernel = numbers(kernels) + layer.matrix(part);
    clear(part, numbers(z) + row * width, width);
    layer.variant->product(p, kernel, numbers(x) + layer.in(part), numbers(biases) + row, numbers(z) + row * width, memory);
  });
}

// (alive, dz, kernels, x) -> (dkernels, dbiases, dx, memory of which nothing is read); dx is empty where it is not wanted
XLA_FFI_Error* multiply_backward(const Call& call) {
  Diagonal layer;
  if (!call.has(4, 4)) return call.error(kShapes);
  const Buffer &dz = call.argument(1), &kernels = call.argument(2), &x = call.argument(3);
  const Buffer &dkernels = call.result(0), &dbiases = call.result(1), &dx = call.result(2);
  if (const char* wrong = layer.read(call, call.argument(0), kernels, x, dz)) return call.error(wrong);
  bool inner = count(dx) > 0;
  if (!floats(dkernels, layer.weights) || !floats(dbiases, layer.outputs) || !floats(dx, inner ? count(x) : 0) ||
      (inner && layer.images))
    return call.error(kShapes);
  layer.divide(call, false);
  if (inner) layer.divide(call, true);
  size_t width = layer.columns;
  auto product = [&](const Part& part) {
    size_t inputs = part.block->inputs, outputs = part.block->outputs;
    if (part.inner) return Product{part.wanted, (int64_t)width, (int64_t)outputs, inputs, width, width, true, false};
    size_t step = layer.images ? inputs : width;
    return Product{part.wanted, (int64_t)inputs, (int64_t)width, width, step, inputs, false, !layer.images};
  };
  return layer.run(call, call.result(3), product, [&](const Part& part, const Product& p, float* memory) {
    const float *matrix = numbers(kernels) + layer.matrix(part), *from = numbers(dz) + layer.out(part) * width;
    float* to = part.inner ? numbers(dx) + layer.in(part) : numbers(dkernels) + layer.matrix(part);
    clear(part, to, p.columns);
    if (part.inner) return layer.variant->product(p, matrix, from, nullptr, to, memory);
    layer.variant->product(p, from, numbers(x) + layer.in(part), nullptr, to, memory);
    float* sums = numbers(dbiases) + layer.out(part);
    clear(part, sums, 1);
    for (Rows rows : part.wanted) layer.variant->row_sums(from + rows.first * width, rows.count, width, sums + rows.first);
  });
}

}  // namespace
}  // namespace seedbed

EXPORT XLA_FFI_Error* seedbed_multiply(XLA_FFI_CallFrame* frame) { return seedbed::handled<seedbed::multiply>(frame); }
EXPORT XLA_FFI_Error* seedbed_multiply_backward(XLA_FFI_CallFrame* frame) {
  return seedbed::handled<seedbed::multiply_backward>(frame);
}
