// Every variant that this processor runs, over many small layers, in arrays of exactly the size that they may touch. The output
// is compared with plain loops, and the gradients with them by their products: for a linear layer <dy, y(x)> = <dx, x>. Matrix
// products are compared with plain loops, and optimizers' steps, sums and activations with them in double precision.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "variant.h"

using seedbed::Geometry;
using seedbed::Variant;

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};
template <class T>
using Array = std::unique_ptr<T[], Free>;

template <class T>
Array<T> array(size_t size) {
  void* memory = nullptr;
  if (posix_memalign(&memory, 64, size * sizeof(T))) std::exit(2);
  return Array<T>(static_cast<T*>(memory));
}

std::mt19937 generator(1);

int draw(int low, int high) { return std::uniform_int_distribution<int>(low, high)(generator); }

Array<float> normal(size_t size) {
  auto values = array<float>(size);
  std::normal_distribution<float> draws;
  for (size_t i = 0; i < size; i++) values[i] = draws(generator);
  return values;
}

double dot(const float* a, const float* b, size_t size) {
  double total = 0;
  for (size_t i = 0; i < size; i++) total += (double)a[i] * b[i];
  return total;
}

void check(bool right, const char* what, const Geometry& g, int lanes) {
  if (right) return;
  std::fprintf(stderr, "%s: %d lanes, %d x %d x %d, %d filters, kernel %d, stride %d, pool %d\n", what, lanes, g.height,
               g.width, g.channels, g.filters, g.kernel, g.stride, g.pool);
  std::exit(1);
}

bool near(double a, double b, double scale) { return std::abs(a - b) <= 1e-4 * (1 + std::abs(scale)); }

Geometry layer(bool depthwise) {
  Geometry g{};
  g.kernel = draw(1, 5), g.stride = draw(1, 3), g.pool = depthwise ? 1 : draw(1, 4);
  g.channels = draw(1, 4), g.filters = depthwise ? g.channels : draw(1, 8);
  g.top = draw(0, g.kernel - 1), g.left = draw(0, g.kernel - 1);
  g.height = draw(1, 9), g.width = draw(1, 9);
  g.pooled_height = ((g.height + g.top - 1) / g.stride + 1) / g.pool;
  g.pooled_width = ((g.width + g.left - 1) / g.stride + 1) / g.pool;
  return g;
}

// The largest sum of a window's places, by plain loops.
double largest(const Geometry& g, const float* x, const float* kernel, int lanes, int py, int px, int o, int lane) {
  double most = -INFINITY;
  for (int q = 0; q < g.pool * g.pool; q++) {
    double sum = 0;
    for (int ky = 0; ky < g.kernel; ky++)
      for (int kx = 0; kx < g.kernel; kx++) {
        int y = (py * g.pool + q / g.pool) * g.stride + ky - g.top, c = (px * g.pool + q % g.pool) * g.stride + kx - g.left;
        if (y < 0 || y >= g.height || c < 0 || c >= g.width) continue;
        for (int i = 0; i < g.channels; i++)
          sum += (double)x[(((size_t)y * g.width + c) * g.channels + i) * lanes + lane] *
                 kernel[((size_t)(ky * g.kernel + kx) * g.channels + i) * g.filters + o];
      }
    most = std::max(most, sum);
  }
  return most;
}

void convolution(const Variant& v, Geometry g) {
  int lanes = v.lanes;
  size_t inputs = g.inputs() * lanes, outputs = g.outputs() * lanes;
  size_t weights = (size_t)g.kernel * g.kernel * g.channels * g.filters;
  auto x = normal(inputs), kernel = normal(weights), bias = normal(g.filters), dy = normal(outputs), y = array<float>(outputs);
  bool places = g.pool > 1 || g.relu;
  auto where = array<uint8_t>(outputs);
  auto scratch = array<float>(v.forward_scratch(g));
  v.forward(g, x.get(), kernel.get(), bias.get(), y.get(), places ? where.get() : nullptr, scratch.get());
  for (int py = 0; py < g.pooled_height; py++)
    for (int px = 0; px < g.pooled_width; px++)
      for (int o = 0; o < g.filters; o++)
        for (int lane = 0; lane < lanes; lane += 3) {
          double expected = largest(g, x.get(), kernel.get(), lanes, py, px, o, lane) + bias[o];
          if (g.relu && expected < 0) expected = 0;
          float found = y[(((size_t)py * g.pooled_width + px) * g.filters + o) * lanes + lane];
          check(near(found, expected, expected), "output", g, lanes);
        }
  auto turned = array<float>(weights), dkernel = array<float>(weights), dbias = array<float>(g.filters);
  int taps = g.kernel * g.kernel;
  for (int tap = 0; tap < taps; tap++)
    for (int c = 0; c < g.channels; c++)
      for (int o = 0; o < g.filters; o++)
        turned[((size_t)tap * g.filters + o) * g.channels + c] = kernel[((size_t)(taps - 1 - tap) * g.channels + c) * g.filters + o];
  auto dx = array<float>(inputs), more = array<float>(v.backward_scratch(g));
  v.backward(g, dy.get(), places ? where.get() : nullptr, x.get(), turned.get(), dkernel.get(), dbias.get(),
             g.inner ? dx.get() : nullptr, more.get());
  // The layer is linear around x and its weights, with the same places of the maxima.
  double whole = dot(dy.get(), y.get(), outputs), biases = dot(dbias.get(), bias.get(), g.filters);
  check(near(dot(dkernel.get(), kernel.get(), weights), whole - biases, whole), "gradient of the kernel", g, lanes);
  if (g.inner) check(near(dot(dx.get(), x.get(), inputs), whole - biases, whole), "gradient of the input", g, lanes);
}

void depthwise(const Variant& v, Geometry g) {
  size_t inputs = g.inputs() * v.lanes, outputs = g.outputs() * v.lanes;
  size_t weights = (size_t)g.kernel * g.kernel * g.channels;
  auto x = normal(inputs), kernel = normal(weights), dy = normal(outputs), y = array<float>(outputs);
  auto scratch = array<float>(v.forward_scratch(g));
  v.depthwise_forward(g, x.get(), kernel.get(), y.get(), scratch.get());
  g.inner = true;
  auto dkernel = array<float>(weights), dx = array<float>(inputs), more = array<float>(v.backward_scratch(g));
  v.depthwise_backward(g, dy.get(), x.get(), kernel.get(), dkernel.get(), dx.get(), more.get());
  double whole = dot(dy.get(), y.get(), outputs);
  check(near(dot(dkernel.get(), kernel.get(), weights), whole, whole), "depthwise gradient of the kernel", g, v.lanes);
  check(near(dot(dx.get(), x.get(), inputs), whole, whole), "depthwise gradient of the input", g, v.lanes);
}

// Maxima are linear around x, with the same places; all arrays of exactly their size.
void pooling(const Variant& v) {
  seedbed::Pooling p{draw(1, 9), draw(1, 9), draw(1, 20), draw(1, 4), draw(1, 4), draw(1, 3), draw(1, 3), 0, 0, 1, 1};
  p.top = draw(0, p.rows - 1), p.left = draw(0, p.columns - 1);
  p.pooled_height = (p.height + p.top + p.rows - 1) / p.down, p.pooled_width = (p.width + p.left + p.columns - 1) / p.across;
  if (p.pooled_height < 1) p.pooled_height = 1;
  if (p.pooled_width < 1) p.pooled_width = 1;
  size_t inputs = p.height * p.width * p.channels, outputs = p.pooled_height * p.pooled_width * p.channels;
  auto x = normal(inputs), dy = normal(outputs), y = array<float>(outputs), dx = array<float>(inputs);
  auto where = array<uint8_t>(outputs);
  v.max_pool(p, x.get(), y.get(), where.get());
  v.spread_maxima(p, dy.get(), where.get(), dx.get());
  for (size_t i = 0; i < outputs; i++)
    if (std::isinf(y[i])) y[i] = 0;  // a window beside the maps
  double whole = dot(dy.get(), y.get(), outputs);
  check(near(dot(dx.get(), x.get(), inputs), whole, whole), "gradient of maxima", Geometry{}, v.lanes);
}

// Some images as a block, and back: in arrays of exactly their size.
void copies(const Variant& v) {
  int size = draw(1, 40), count = draw(1, v.lanes);
  auto images = normal((size_t)size * count), again = array<float>((size_t)size * count), block = array<float>((size_t)size * v.lanes);
  v.blocked(images.get(), size, count, block.get());
  v.unblocked(block.get(), size, count, again.get());
  for (int i = 0; i < size * count; i++) check(images[i] == again[i], "images as a block", Geometry{}, v.lanes);
  for (int i = 0; i < size; i++)
    for (int lane = count; lane < v.lanes; lane++) check(block[i * v.lanes + lane] == 0, "lanes without images", Geometry{}, v.lanes);
}

// Each layout of both factors, some of the rows, and now and then sizes beyond those that are worked on at a time.
void product(const Variant& v, int64_t rows, int64_t columns, int64_t depth) {
  bool a_turned = draw(0, 1), b_turned = draw(0, 1), biased = draw(0, 1);
  std::vector<seedbed::Rows> wanted;
  std::vector<bool> is_wanted(rows);
  for (int64_t row = draw(0, 3); row < rows; row += wanted.back().count + draw(0, 3)) {
    wanted.push_back({row, std::min<int64_t>(rows - row, draw(1, (int)rows))});
    std::fill_n(is_wanted.begin() + row, wanted.back().count, true);
  }
  seedbed::Product p{wanted, columns, depth, (size_t)(a_turned ? rows : depth), (size_t)(b_turned ? depth : columns),
                     (size_t)columns, a_turned, b_turned};
  auto a = normal(rows * depth), b = normal(depth * columns), bias = normal(rows);
  auto c = array<float>(rows * columns), scratch = array<float>(v.product_scratch(p)), sums = array<float>(rows);
  std::fill_n(c.get(), rows * columns, 7.0f);
  v.product(p, a.get(), b.get(), biased ? bias.get() : nullptr, c.get(), scratch.get());
  v.row_sums(c.get(), rows, columns, sums.get());
  for (int64_t i = 0; i < rows; i++) {
    double whole = 0, size = 0;
    for (int64_t j = 0; j < columns; j++) {
      double expected = !is_wanted[i] ? 7 : biased ? bias[i] : 0, terms = 1;
      for (int64_t k = 0; k < depth && is_wanted[i]; k++) {
        double term = (double)a[a_turned ? k * rows + i : i * depth + k] * b[b_turned ? j * depth + k : k * columns + j];
        expected += term, terms += std::abs(term);
      }
      check(std::abs(c[i * columns + j] - expected) <= 1e-6 * terms, "product", Geometry{}, v.lanes);
      whole += c[i * columns + j], size += std::abs(c[i * columns + j]);
    }
    check(std::abs(sums[i] - whole) <= 1e-5 * (1 + size), "sum of a row", Geometry{}, v.lanes);
  }
}

// A step of each rule on arrays of exactly their size, from any place in memory.
void step(const Variant& v, seedbed::Rule rule, int count) {
  seedbed::StepValues of{0.01f * draw(1, 50), 0.1f * draw(0, 9), 0.01f * draw(0, 9), 0.1f * draw(0, 3), 0.1f * draw(0, 3)};
  auto w = normal(count), g = normal(count), first = normal(count), second = normal(count);
  for (int i = 0; i < count; i++) first[i] = std::abs(first[i]), second[i] = std::abs(second[i]);
  w[draw(0, count - 1)] = 0;
  auto copy = [&](const Array<float>& from) {
    auto to = array<float>(count);
    std::copy(from.get(), from.get() + count, to.get());
    return to;
  };
  auto w0 = copy(w), a0 = copy(first), b0 = copy(second);
  int start = draw(0, count - 1);
  auto at = [&](const Array<float>& array, int slot) { return slot <= seedbed::kSlots[rule] ? array.get() + start : nullptr; };
  v.step(rule, of, count - start, at(w, 0), at(g, 0), at(first, 1), at(second, 2));
  for (int i = 0; i < count; i++) {
    double l = w0[i], d = g[i] + 2.0 * of.l2 * l + of.l1 * ((l > 0) - (l < 0)), a = a0[i], b = b0[i], to = l - of.decay * l;
    if (rule == seedbed::kDescent) to -= of.rate * d;
    if (rule == seedbed::kMomentum) a = of.momentum * a - of.rate * d, to += a;
    if (rule == seedbed::kNesterov) a = of.momentum * a - of.rate * d, to += of.momentum * a - of.rate * d;
    if (rule == seedbed::kRmsprop) a = 0.9 * a + 0.1 * d * d, to -= of.rate * d / std::sqrt(a + 1e-7);
    if (rule == seedbed::kAdam)
      a = 0.9 * a + 0.1 * d, b = 0.999 * b + 0.001 * d * d, to -= of.rate * a / (std::sqrt(b) + 1e-7);
    if (i < start) to = l, a = a0[i], b = b0[i];  // not its numbers
    bool right = near(w[i], to, to) && near(first[i], a, a) && near(second[i], b, b);
    check(right, "step of an optimizer", Geometry{}, v.lanes);
  }
}

// Scores, norms and gradients of the loss, of arrays of exactly their size.
void sums(const Variant& v, int classes, int images) {
  auto logits = normal((size_t)classes * images), weights = normal(images);
  auto labels = array<int32_t>(images);
  for (int i = 0; i < images; i++) labels[i] = draw(0, classes - 1), weights[i] = (float)draw(0, 1);
  auto found = array<double>(3 * classes), norms = array<double>(3);
  std::fill(found.get(), found.get() + 3 * classes, 0.0), std::fill(norms.get(), norms.get() + 3, 1.0);
  v.scores(logits.get(), classes, images, labels.get(), weights.get(), found.get());
  v.norms(logits.get(), (int64_t)classes * images, norms.get());
  auto gradients = array<float>((size_t)classes * images), of_classes = normal(classes);
  bool balanced = draw(0, 1);
  v.loss_gradients(logits.get(), classes, images, labels.get(), weights.get(), balanced ? of_classes.get() : nullptr,
                   gradients.get());
  double right = 0, called = 0, loss = 0, all = 0, numbers = 1, sizes = 1, squares = 1;
  for (int i = 0; i < images; i++) {
    double total = 0;
    int largest = 0;
    for (int c = 0; c < classes; c++) {
      double x = logits[c * images + i];
      total += std::exp(x), numbers += x, sizes += std::abs(x), squares += x * x;
      if (x > logits[largest * images + i]) largest = c;
    }
    all += weights[i], right += weights[i] * (largest == labels[i]);
    loss += weights[i] * (std::log(total) - logits[labels[i] * images + i]);
    double weight = weights[i] * (balanced ? of_classes[labels[i]] : 1);
    for (int c = 0; c < classes; c++) {
      double gradient = weight * (std::exp(logits[c * images + i]) / total - (c == labels[i]));
      check(near(gradients[c * images + i], gradient, weight), "gradient of the loss", Geometry{}, v.lanes);
    }
  }
  for (int c = 0; c < classes; c++) right -= found[c], called += found[classes + c], loss -= found[2 * classes + c];
  bool fit = near(right, 0, 0) && near(called, all, all) && near(loss, 0, images) && near(norms[0], numbers, sizes);
  check(fit && near(norms[1], sizes, sizes) && near(norms[2], squares, squares), "sums", Geometry{}, v.lanes);
}

// Outputs and gradients of each activation on arrays of exactly their size.
void activations(const Variant& v, seedbed::Activation activation, int count) {
  auto z = normal(count), dy = normal(count), y = array<float>(count), dz = array<float>(count);
  for (int i = 0; i < count; i++) z[i] *= 3;
  v.activate(activation, z.get(), count, y.get());
  v.activate_backward(activation, z.get(), y.get(), dy.get(), count, dz.get());
  double saturated = 0;
  for (int i = 0; i < count; i++) {
    double x = z[i], s = 1 / (1 + std::exp(-x)), below = std::erfc(-x / std::sqrt(2.0)) / 2;
    double of[][2] = {{std::max(x, 0.0), x > 0},
                      {std::tanh(x), 1 - std::tanh(x) * std::tanh(x)},
                      {s, s * (1 - s)},
                      {x < 0 ? 0.2 * x : x, x < 0 ? 0.2 : 1},
                      {x > 0 ? x : std::expm1(x), x > 0 ? 1 : std::exp(x)},
                      {x * below, below + x * std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0))},
                      {x * s, s * (1 + x * (1 - s))}};
    bool right = near(y[i], of[activation][0], 0) && near(dz[i], dy[i] * of[activation][1], dy[i]);
    check(right, "activation", Geometry{}, v.lanes);
    if (activation == seedbed::kTanh) saturated += std::abs(y[i]) > 0.97f;
    if (activation == seedbed::kSigmoid) saturated += y[i] < 0.03f || y[i] > 0.97f;
  }
  bool bounded = activation == seedbed::kTanh || activation == seedbed::kSigmoid;
  if (!bounded) saturated = std::all_of(y.get(), y.get() + count, [](float v) { return v <= 0; });
  double share = v.saturated(activation, y.get(), 1, count);
  check(near(share, saturated / (bounded ? count : 1), 0), "saturated units", Geometry{}, v.lanes);
}

int main() {
  for (int lanes : {16, 8, 4}) {
    const Variant* v = seedbed::variant(lanes);
    if (!v) continue;
    int layers = 0;
    for (int i = 0; i < 400; i++) {
      Geometry g = layer(i % 4 == 3);
      if (g.pooled_height < 1 || g.pooled_width < 1) continue;
      copies(*v);
      pooling(*v);
      product(*v, draw(1, 40), draw(1, 70), draw(1, 50));
      step(*v, (seedbed::Rule)(i % seedbed::kRules), draw(1, 70));
      sums(*v, draw(1, 12), draw(1, 70));
      activations(*v, (seedbed::Activation)(i % seedbed::kActivations), draw(1, 70));
      if (i % 100 == 0) product(*v, draw(90, 200), draw(500, 600), draw(390, 810));
      g.relu = i % 4 == 1, g.inner = i % 8 < 4;
      if (i % 4 == 3)
        depthwise(*v, g);
      else
        convolution(*v, g);
      layers++;
    }
    std::printf("%d lanes: %d layers\n", lanes, layers);
  }
}
