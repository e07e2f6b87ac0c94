// Convolutions and poolings, once per instruction set: each variant has its own LANES and register blocks.
//
// A convolution is a sum over the kernel's rows; within a row, columns and channels of the window are contiguous, so that a
// register block of POSITIONS outputs x FILTERS filters runs along them: each pixel is loaded once per FILTERS products, each
// weight once per POSITIONS. The gradient of the kernel has register blocks of TAPS x GRADIENTS and runs along the pixels.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "variant.h"
#include "vectors.h"

namespace seedbed {
namespace {

constexpr int OFF = 255;  // place of a maximum that ReLU sets to 0

// acc[p][r] = sum over rows and taps of in[p] times weights; weights: (rows, taps, filters), of which R are used.
template <int P, int R>
inline void accumulate(const vec* const* in, size_t row, int rows, int taps, const float* weights, size_t filters,
                       vec (&acc)[P][R]) {
  const vec* at[P];
  for (int p = 0; p < P; p++) {
    at[p] = in[p];
    for (int r = 0; r < R; r++) acc[p][r] = vec{};
  }
  for (int y = 0; y < rows; y++) {
#pragma GCC unroll 5
    for (int j = 0; j < taps; j++, weights += filters) {
      vec w[R];
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) w[r] = splat(weights[r]);
#pragma GCC unroll 8
      for (int p = 0; p < P; p++) {
        vec v = at[p][j];
#pragma GCC unroll 8
        for (int r = 0; r < R; r++) acc[p][r] += v * w[r];
      }
    }
    for (int p = 0; p < P; p++) at[p] += row;
  }
}

// out[p][r]: the sums.
template <int P, int R>
void products(const vec* const* in, size_t row, int rows, int taps, const float* weights, size_t filters, vec* out) {
  vec acc[P][R];
  accumulate<P, R>(in, row, rows, taps, weights, filters, acc);
  for (int p = 0; p < P; p++)
    for (int r = 0; r < R; r++) out[p * R + r] = acc[p][r];
}

// Keeps the larger of `most` and v, and its place; of equal values the first. `all` is not a number where some v is none.
inline void keep(vec v, int place, vec& most, ints& where, vec& all) {
  ints larger = v > most;
  most = larger ? v : most;
  where = larger ? ints{} + place : where;
  all += v;
}

// most[r], where[r]: the largest of the POSITIONS sums, and its place. It never leaves the registers.
template <int R>
void maxima(const vec* const* in, size_t row, int rows, int taps, const float* weights, size_t filters, vec* most,
            ints* where) {
  vec acc[POSITIONS][R];
  accumulate<POSITIONS, R>(in, row, rows, taps, weights, filters, acc);
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) {
    vec best = acc[0][r], all = best;
    ints place{};
#pragma GCC unroll 8
    for (int p = 1; p < POSITIONS; p++) keep(acc[p][r], p, best, place, all);
    most[r] = all == all ? best : all;
    where[r] = place;
  }
}

// sums[t * filters + r] += sum over pixels of x[.. + t] times g[.. + r].
template <int T, int R>
void correlations(const vec* x, size_t x_row, size_t x_step, const vec* g, size_t g_row, size_t g_step, int height, int width,
                  vec* sums, size_t filters) {
  vec acc[T][R];
  for (int t = 0; t < T; t++)
    for (int r = 0; r < R; r++) acc[t][r] = sums[t * filters + r];
  for (int y = 0; y < height; y++) {
    const vec *xp = x + y * x_row, *gp = g + y * g_row;
    for (int p = 0; p < width; p++, xp += x_step, gp += g_step) {
      vec d[R];
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) d[r] = gp[r];
#pragma GCC unroll 8
      for (int t = 0; t < T; t++) {
        vec v = xp[t];
#pragma GCC unroll 8
        for (int r = 0; r < R; r++) acc[t][r] += v * d[r];
      }
    }
  }
  for (int t = 0; t < T; t++)
    for (int r = 0; r < R; r++) sums[t * filters + r] = acc[t][r];
}

// Tables of the functions for all sizes up to the largest register block.
template <int R, class Indices>
struct ProductsRow;
template <int R, int... P>
struct ProductsRow<R, std::integer_sequence<int, P...>> {
  static constexpr decltype(&products<1, 1>) of[] = {&products<P + 1, R>...};
};
template <class Indices>
struct Products;
template <int... R>
struct Products<std::integer_sequence<int, R...>> {
  static constexpr const decltype(&products<1, 1>)* of[] = {
      ProductsRow<R + 1, std::make_integer_sequence<int, POSITIONS>>::of...};
};
inline auto products_of(int p, int r) { return Products<std::make_integer_sequence<int, FILTERS>>::of[r - 1][p - 1]; }

template <class Indices>
struct Maxima;
template <int... R>
struct Maxima<std::integer_sequence<int, R...>> {
  static constexpr decltype(&maxima<1>) of[] = {&maxima<R + 1>...};
};
inline auto maxima_of(int r) { return Maxima<std::make_integer_sequence<int, FILTERS>>::of[r - 1]; }

template <int R, class Indices>
struct CorrelationsRow;
template <int R, int... T>
struct CorrelationsRow<R, std::integer_sequence<int, T...>> {
  static constexpr decltype(&correlations<1, 1>) of[] = {&correlations<T + 1, R>...};
};
template <class Indices>
struct Correlations;
template <int... R>
struct Correlations<std::integer_sequence<int, R...>> {
  static constexpr const decltype(&correlations<1, 1>)* of[] = {
      CorrelationsRow<R + 1, std::make_integer_sequence<int, TAPS + (R + 1 < GRADIENTS)>>::of...};
};
inline auto correlations_of(int t, int r) { return Correlations<std::make_integer_sequence<int, GRADIENTS>>::of[r - 1][t - 1]; }

// Where the places of a pooling window are, from its first: divisions for every pixel would take a tenth of the time.
struct Window {
  size_t of[LARGEST_POOL * LARGEST_POOL];

  Window(int pool, size_t down, size_t right) {
    for (int q = 0; q < pool * pool; q++) of[q] = q / pool * down + q % pool * right;
  }
};

// The input with its zeros, as far as the convolution reads it.
void pad(const Geometry& g, const vec* x, vec* padded) {
  int height = g.padded_height(), width = g.padded_width();
  size_t pixel = sizeof(vec) * g.channels;
  int copied = std::max(0, std::min(g.width, width - g.left));
  for (int y = 0; y < height; y++) {
    char* row = (char*)(padded + (size_t)y * width * g.channels);
    int from = y - g.top;
    if (from < 0 || from >= g.height || copied == 0) {
      std::memset(row, 0, pixel * width);
      continue;
    }
    std::memset(row, 0, pixel * g.left);
    std::memcpy(row + pixel * g.left, x + (size_t)from * g.width * g.channels, pixel * copied);
    std::memset(row + pixel * (g.left + copied), 0, pixel * (width - g.left - copied));
  }
}

// Outputs of a convolution of stride `step` without pooling; finish(position in the row's tile, filter, sum) stores one.
template <class F>
void convolve(const vec* x, size_t row, int channels, int kernel, int step, const float* weights, int filters, int height,
              int width, F finish) {
  vec out[POSITIONS * FILTERS];
  for (int y = 0; y < height; y++)
    split(width, POSITIONS, [&](int first, int count) {
      const vec* in[POSITIONS];
      for (int p = 0; p < count; p++) in[p] = x + (size_t)y * step * row + (size_t)(first + p) * step * channels;
      split(filters, FILTERS, [&](int o, int size) {
        products_of(count, size)(in, row, kernel, kernel * channels, weights + o, filters, out);
        for (int p = 0; p < count; p++)
          for (int r = 0; r < size; r++) finish((size_t)y * width + first + p, o + r, out[p * size + r]);
      });
    });
}

// The maximum of each pooling window, and its place in it; of equal values the first.
template <class F>
void convolve_pooled(const Geometry& g, const vec* x, const float* weights, F finish) {
  size_t row = (size_t)g.padded_width() * g.channels;
  int places = g.pool * g.pool, taps = g.kernel * g.channels;
  const Window offsets(g.pool, row * g.stride, (size_t)g.channels * g.stride);
  vec out[POSITIONS * FILTERS], most[FILTERS];
  ints where[FILTERS];
  for (int y = 0; y < g.pooled_height; y++)
    for (int p = 0; p < g.pooled_width; p++) {
      const vec* corner = x + ((size_t)y * row + (size_t)p * g.channels) * g.pool * g.stride;
      const vec* in[LARGEST_POOL * LARGEST_POOL];
      for (int q = 0; q < places; q++) in[q] = corner + offsets.of[q];
      split(g.filters, FILTERS, [&](int o, int size) {
        if (places == POSITIONS) {
          maxima_of(size)(in, row, g.kernel, taps, weights + o, g.filters, most, where);
        } else {
          vec all[FILTERS];
          for (int first = 0; first < places; first += POSITIONS) {
            int count = std::min(POSITIONS, places - first);
            products_of(count, size)(in + first, row, g.kernel, taps, weights + o, g.filters, out);
            for (int r = 0; r < size; r++) {
              if (first == 0) most[r] = all[r] = out[r], where[r] = ints{};
              for (int q = first == 0; q < count; q++) keep(out[q * size + r], first + q, most[r], where[r], all[r]);
            }
          }
          for (int r = 0; r < size; r++) most[r] = all[r] == all[r] ? most[r] : all[r];
        }
        for (int r = 0; r < size; r++) finish((size_t)y * g.pooled_width + p, o + r, most[r], where[r]);
      });
    }
}

size_t forward_scratch(const Geometry& g) { return g.padded() * LANES; }

void forward(const Geometry& g, const float* input, const float* kernel, const float* bias, float* output, uint8_t* places,
             float* scratch) {
  vec *padded = (vec*)scratch, *y = (vec*)output;
  bytes* where = (bytes*)places;
  pad(g, (const vec*)input, padded);
  auto finish = [&](size_t pixel, int o, vec sum, ints place) {
    vec v = sum + splat(bias[o]);
    if (g.relu) {
      ints off = v <= vec{};
      v = off ? vec{} : v;
      place = off ? ints{} + OFF : place;
    }
    y[pixel * g.filters + o] = v;
    if (where) where[pixel * g.filters + o] = narrowed(place);
  };
  if (g.pool > 1) return convolve_pooled(g, padded, kernel, finish);
  convolve(padded, (size_t)g.padded_width() * g.channels, g.channels, g.kernel, g.stride, kernel, g.filters, g.rows(),
           g.columns(), [&](size_t pixel, int o, vec sum) { finish(pixel, o, sum, ints{}); });
}

// A row of one tap more than a register block of the kernel's gradient has is taken whole, with a filter less.
bool whole_row(const Geometry& g) { return g.kernel * g.channels == TAPS + 1; }
int gradients(const Geometry& g) { return GRADIENTS - whole_row(g); }

// Filters whose spread gradients lie together: all where the input's gradient needs all, or else those of a register block, so
// that it runs along neighbouring numbers.
int together(const Geometry& g) { return g.inner ? g.filters : gradients(g); }

// Spreads the gradient of pooled rows over their windows, (filters / together, rows, columns, together); adds it up in dbias. Q
// is the number of places of a window where it is known, else 0.
template <int Q>
void spread(const Geometry& g, const vec* dy, const bytes* where, int first, int rows, vec* out, vec* dbias) {
  size_t width = g.spread_width(), pixels = g.inner ? 0 : width * rows * g.pool;
  int places = Q ? Q : g.pool * g.pool, start = g.inner ? 0 : first;
  const Window offsets(g.pool, width * g.step(), g.step());
  for (int y = first; y < first + rows; y++)
    for (int p = 0; p < g.pooled_width; p++) {
      size_t from = ((size_t)y * g.pooled_width + p) * g.filters;
      size_t down = (size_t)(y - start) * g.pool * g.step() + g.above(), right = (size_t)p * g.pool * g.step() + g.before();
      split(g.filters, together(g), [&](int some, int count) {
        vec* corner = out + pixels * some + (down * width + right) * count;
        for (int o = 0; o < count; o++) {
          vec d = dy[from + some + o];
          ints place = where ? __builtin_convertvector(where[from + some + o], ints) : ints{};
          dbias[some + o] += place != OFF ? d : vec{};
#pragma GCC unroll 4
          for (int q = 0; q < places; q++) corner[offsets.of[q] * count + o] = place == q ? d : vec{};
        }
      });
    }
}

// Adds the kernel's gradient from some pooled rows, (k, k, channels, filters) vectors.
void correlate(const Geometry& g, const vec* padded, const vec* gradient, int first, int rows, vec* sums) {
  size_t width = g.spread_width(), pixels = g.inner ? 0 : width * rows * g.pool, x_row = (size_t)g.padded_width() * g.channels;
  size_t corner = (size_t)((g.inner ? first * g.pool * g.stride : 0) + g.above()) * width + g.before();
  int taps = g.kernel * g.channels;
  split(g.filters, together(g), [&](int some, int count) {
    const vec* from = gradient + pixels * some + corner * count;
    for (int ky = 0; ky < g.kernel; ky++) {
      const vec* x = padded + ((size_t)first * g.pool * g.stride + ky) * x_row;
      split(taps, TAPS + whole_row(g), [&](int j, int block) {
        split(count, gradients(g), [&](int o, int size) {
          correlations_of(block, size)(x + j, x_row * g.stride, (size_t)g.stride * g.channels, from + o, width * count * g.step(),
                                       (size_t)count * g.step(), rows * g.pool, g.columns(),
                                       sums + ((size_t)ky * taps + j) * g.filters + some + o, g.filters);
        });
      });
    }
  });
}

size_t weights_of(const Geometry& g) { return (size_t)g.kernel * g.kernel * g.channels * g.filters; }

size_t backward_scratch(const Geometry& g) {
  return (g.padded() + g.spread() + weights_of(g) + g.filters) * LANES;
}

void backward(const Geometry& g, const float* dy, const uint8_t* where, const float* x, const float* turned, float* dkernel,
              float* dbias, float* dx, float* scratch) {
  vec* padded = (vec*)scratch;
  vec* gradient = padded + g.padded();
  vec* sums = gradient + g.spread();
  vec* biases = sums + weights_of(g);
  pad(g, (const vec*)x, padded);
  std::memset((void*)sums, 0, sizeof(vec) * (weights_of(g) + g.filters));
  if (g.inner) std::memset((void*)gradient, 0, sizeof(vec) * g.spread());
  auto* spread_some = g.pool == 2 ? spread<4> : g.pool == 1 ? spread<1> : spread<0>;
  for (int first = 0; first < g.pooled_height; first += g.band()) {
    int rows = std::min(g.band(), g.pooled_height - first);
    spread_some(g, (const vec*)dy, (const bytes*)where, first, rows, gradient, biases);
    correlate(g, padded, gradient, first, rows, sums);
  }
  add_lanes(sums, weights_of(g), dkernel);
  add_lanes(biases, g.filters, dbias);
  if (!g.inner) return;
  vec* out = (vec*)dx;
  convolve(gradient, (size_t)g.spread_width() * g.filters, g.filters, g.kernel, 1, turned, g.channels, g.height, g.width,
           [&](size_t pixel, int c, vec sum) { out[pixel * g.channels + c] = sum; });
}

// P outputs of a depthwise convolution next to each other, of one channel; weights: (taps, channels), read from the last tap
// where `next` is negative. T and S are the kernel's side and the step where they are known, else 0.
template <int T, int S, int P>
void depthwise_products(const vec* in, size_t row, int channels, int kernel, int step, const float* weights, ptrdiff_t next,
                        vec* out) {
  const int taps = T ? T : kernel, right = S ? S : step;
  vec acc[P] = {};
  for (int y = 0; y < taps; y++, in += row)
#pragma GCC unroll 8
    for (int j = 0; j < taps; j++, weights += next) {
      vec w = splat(*weights);
#pragma GCC unroll 4
      for (int p = 0; p < P; p++) acc[p] += w * in[(ptrdiff_t)(p * right + j) * channels];
    }
  for (int p = 0; p < P; p++) out[(size_t)p * channels] = acc[p];
}

// The function for a number of outputs.
template <int T, int S>
struct Depthwise {
  static constexpr decltype(&depthwise_products<0, 0, 1>) of[] = {
      &depthwise_products<T, S, 1>, &depthwise_products<T, S, 2>, &depthwise_products<T, S, 3>, &depthwise_products<T, S, 4>};
};

inline auto depthwise_of(int kernel, int step) {
  if (kernel == 3) return step == 1 ? Depthwise<3, 1>::of : Depthwise<3, 0>::of;
  if (kernel == 5) return step == 1 ? Depthwise<5, 1>::of : Depthwise<5, 0>::of;
  return Depthwise<0, 0>::of;
}

// Depthwise: out[y][x][c] = sum over the kernel of in[y * step + ky][x * step + kx][c]; turned: by 180 degrees.
void convolve_depthwise(const vec* x, size_t row, int channels, int kernel, int step, const float* weights, bool turned,
                        int height, int width, vec* out) {
  size_t last = (size_t)(kernel * kernel - 1) * channels;
  const auto* products = depthwise_of(kernel, step);
  for (int y = 0; y < height; y++)
    split(width, 4, [&](int first, int count) {
      const vec* in = x + (size_t)y * step * row + (size_t)first * step * channels;
      vec* to = out + ((size_t)y * width + first) * channels;
      for (int c = 0; c < channels; c++)
        products[count - 1](in + c, row, channels, kernel, step, weights + c + (turned ? last : 0),
                            turned ? -(ptrdiff_t)channels : channels, to + c);
    });
}

// sums[t * channels] += sum over a row's pixels of x[.. + t * channels] times g, for T taps next to each other.
template <int T>
void depthwise_correlations(const vec* x, size_t x_step, const vec* g, int channels, int width, vec* sums) {
  vec acc[T];
  for (int t = 0; t < T; t++) acc[t] = sums[(size_t)t * channels];
  for (int p = 0; p < width; p++, x += x_step, g += channels) {
    vec d = *g;
#pragma GCC unroll 8
    for (int t = 0; t < T; t++) acc[t] += x[(size_t)t * channels] * d;
  }
  for (int t = 0; t < T; t++) sums[(size_t)t * channels] = acc[t];
}

constexpr decltype(&depthwise_correlations<1>) depthwise_correlations_of[] = {
    &depthwise_correlations<1>, &depthwise_correlations<2>, &depthwise_correlations<3>, &depthwise_correlations<4>,
    &depthwise_correlations<5>};

void depthwise_forward(const Geometry& g, const float* x, const float* kernel, float* y, float* scratch) {
  pad(g, (const vec*)x, (vec*)scratch);
  convolve_depthwise((vec*)scratch, (size_t)g.padded_width() * g.channels, g.channels, g.kernel, g.stride, kernel, false,
                     g.rows(), g.columns(), (vec*)y);
}

void depthwise_backward(const Geometry& g, const float* gradient, const float* x, const float* kernel, float* dkernel,
                        float* dx, float* scratch) {
  int weights = g.kernel * g.kernel * g.channels;
  vec *padded = (vec*)scratch, *around = padded + g.padded(), *sums = around + g.spread(), *biases = sums + weights;
  pad(g, (const vec*)x, padded);
  std::memset((void*)around, 0, sizeof(vec) * (g.spread() + weights + g.filters));
  spread<1>(g, (const vec*)gradient, nullptr, 0, g.pooled_height, around, biases);
  size_t row = (size_t)g.padded_width() * g.channels;
  for (int y = 0; y < g.rows(); y++)
    for (int ky = 0; ky < g.kernel; ky++)
      split(g.kernel, 5, [&](int kx, int count) {
        const vec* in = padded + ((size_t)y * g.stride + ky) * row + (size_t)kx * g.channels;
        const vec* dy = (const vec*)gradient + (size_t)y * g.columns() * g.channels;
        for (int c = 0; c < g.channels; c++)
          depthwise_correlations_of[count - 1](in + c, (size_t)g.stride * g.channels, dy + c, g.channels, g.columns(),
                                               sums + ((size_t)ky * g.kernel + kx) * g.channels + c);
      });
  add_lanes(sums, weights, dkernel);
  convolve_depthwise(around, (size_t)g.spread_width() * g.channels, g.channels, g.kernel, 1, kernel, true, g.height, g.width,
                     (vec*)dx);
}

// Calls f(place, pixel) for each place of a pooling window that lies on the maps.
template <class F>
inline void each_place(const Pooling& p, int64_t y, int64_t x, F f) {
  for (int i = 0; i < p.rows; i++)
    for (int j = 0; j < p.columns; j++) {
      int64_t down = y * p.down + i - p.top, right = x * p.across + j - p.left;
      if (down >= 0 && down < p.height && right >= 0 && right < p.width) f(i * p.columns + j, down * p.width + right);
    }
}

// The maxima of some windows, and if asked for, their places; what is not a number is the largest.
void max_pool(const Pooling& p, const float* x, float* y, uint8_t* where) {
  const size_t numbers = p.channels;
  for (int64_t down = 0; down < p.pooled_height; down++)
    for (int64_t right = 0; right < p.pooled_width; right++) {
      size_t pixel = (down * p.pooled_width + right) * numbers;
      float* __restrict most = y + pixel;
      uint8_t* __restrict place = where ? where + pixel : nullptr;
      std::fill(most, most + numbers, -INFINITY);
      if (place) std::memset(place, OFF, numbers);
      each_place(p, down, right, [&](int number, int64_t from) {
        const float* __restrict v = x + from * numbers;
        if (place)
          for (size_t i = 0; i < numbers; i++) place[i] = v[i] > most[i] || v[i] != v[i] ? number : place[i];
        for (size_t i = 0; i < numbers; i++) most[i] = v[i] > most[i] || v[i] != v[i] ? v[i] : most[i];
      });
    }
}

void spread_maxima(const Pooling& p, const float* dy, const uint8_t* where, float* dx) {
  const size_t numbers = p.channels;
  std::memset(dx, 0, sizeof(float) * p.height * p.width * numbers);
  for (int64_t down = 0; down < p.pooled_height; down++)
    for (int64_t right = 0; right < p.pooled_width; right++) {
      size_t pixel = (down * p.pooled_width + right) * numbers;
      const float* __restrict d = dy + pixel;
      const uint8_t* __restrict place = where + pixel;
      each_place(p, down, right, [&](int number, int64_t from) {
        float* __restrict to = dx + from * numbers;
        for (size_t i = 0; i < numbers; i++) to[i] += place[i] == number ? d[i] : 0.0f;
      });
    }
}

constexpr size_t TILE = 16;  // numbers of each image that are brought into a block at a time: a line of the cache

void blocked(const float* images, size_t size, int count, float* block) {
  if (count < LANES) std::memset(block, 0, size * sizeof(vec));
  for (size_t first = 0; first < size; first += TILE) {
    size_t next = std::min(size, first + TILE);
    for (int lane = 0; lane < count; lane++)
      for (size_t i = first; i < next; i++) block[i * LANES + lane] = images[lane * size + i];
  }
}

void unblocked(const float* block, size_t size, int count, float* images) {
  for (size_t first = 0; first < size; first += TILE) {
    size_t next = std::min(size, first + TILE);
    for (int lane = 0; lane < count; lane++)
      for (size_t i = first; i < next; i++) images[lane * size + i] = block[i * LANES + lane];
  }
}

}  // namespace

}  // namespace seedbed
