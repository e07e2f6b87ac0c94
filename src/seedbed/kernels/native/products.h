// Matrix products of any layout, once per instruction set: each variant includes this file with its own LANES, VARIANT and ROWS.
//
// c = a b: a strip of 2 LANES columns of b is packed, so that its rows lie one after the other, and a register block of ROWS x 2
// vectors of c runs along the sum. Long sums are cut into parts of at most DEPTH, whose strips stay in a core's caches, and rows
// into parts of at most RESIDENT. Each number of c is summed in the same order however rows are divided among threads.

#include <algorithm>
#include <cstring>

#include "variant.h"

namespace seedbed {
namespace {

constexpr int64_t STRIP = 2 * LANES, DEPTH = 400, RESIDENT = 96, WIDTH = 512;
static_assert(WIDTH % STRIP == 0 && RESIDENT % ROWS == 0);

// Columns [first, first + count) of rows [start, start + depth) of b, `depth` rows of STRIP numbers; zeros fill it up.
void pack(const Product& p, const float* b, int64_t start, int64_t depth, int64_t first, int64_t count, float* strip) {
  if (count < STRIP) std::memset(strip, 0, sizeof(float) * depth * STRIP);
  if (!p.b_turned) {
    const float* from = b + start * p.b_step + first;
    for (int64_t k = 0; k < depth; k++, from += p.b_step, strip += STRIP)
      if (count == STRIP)
        store(load(from), strip), store(load(from + LANES), strip + LANES);
      else
        std::copy(from, from + count, strip);
    return;
  }
  const float* from = b + start + first * p.b_step;
  int64_t turned = 0;  // numbers of each column that were turned in squares
  if (count == STRIP)
    for (; turned + LANES <= depth; turned += LANES)
      for (int64_t n = 0; n < STRIP; n += LANES) {
        vec square[LANES];
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++) square[i] = load(from + turned + (n + i) * p.b_step);
        turn(square);
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++) store(square[i], strip + (turned + i) * STRIP + n);
      }
  for (int64_t n = 0; n < count; n++)
    for (int64_t k = turned; k < depth; k++) strip[k * STRIP + n] = from[k + n * p.b_step];
}

// Writes a row's sums with its bias, or adds them to what is there.
inline void finish(const vec (&sums)[2], bool add, float bias, float* to, int64_t count) {
  if (count == STRIP) {
    store(sums[0] + (add ? load(to) : splat(bias)), to);
    store(sums[1] + (add ? load(to + LANES) : splat(bias)), to + LANES);
    return;
  }
  float one[STRIP];
  store(sums[0], one), store(sums[1], one + LANES);
  for (int64_t i = 0; i < count; i++) to[i] = (add ? to[i] : bias) + one[i];
}

// out[r] = row r of a, along `depth` numbers, times the strip. The rows of a are next to each other where TURNED, else the numbers
// of each row; the others are `step` apart. (What is done with the sums is not part of it: they would not stay in registers.)
template <int R, bool TURNED>
void strip_products(const float* a, size_t step, const vec* strip, int64_t depth, vec (*out)[2]) {
  vec left[R], right[R];
  const float* at[R];
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) left[r] = vec{}, right[r] = vec{}, at[r] = a + r * (TURNED ? 1 : step);
  for (int64_t k = 0; k < depth; k++, strip += 2, a += step) {
    vec u = strip[0], v = strip[1];
#pragma GCC unroll 16
    for (int r = 0; r < R; r++) {
      vec w = splat(TURNED ? a[r] : at[r][k]);
      left[r] += w * u;
      right[r] += w * v;
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; r++) out[r][0] = left[r], out[r][1] = right[r];
}

template <bool TURNED, class Indices>
struct StripProducts;
template <bool TURNED, int... R>
struct StripProducts<TURNED, std::integer_sequence<int, R...>> {
  static constexpr decltype(&strip_products<1, TURNED>) of[] = {&strip_products<R + 1, TURNED>...};
};
inline auto strip_products_of(int rows, bool turned) {
  using Sizes = std::make_integer_sequence<int, ROWS>;
  return turned ? StripProducts<true, Sizes>::of[rows - 1] : StripProducts<false, Sizes>::of[rows - 1];
}

size_t product_scratch(const Product& p) {
  int64_t columns = std::min(p.columns, WIDTH);
  return std::min(p.depth, DEPTH) * ((columns + STRIP - 1) / STRIP * STRIP);
}

void product(const Product& p, const float* a, const float* b, const float* bias, float* c, float* scratch) {
  if (p.rows.empty()) return;
  vec out[ROWS][2];
  for (int64_t side = 0; side < p.columns; side += WIDTH) {
    int64_t width = std::min(WIDTH, p.columns - side);
    split((int)p.depth, (int)DEPTH, [&](int start, int depth) {
      for (int64_t n = 0; n < width; n += STRIP)
        pack(p, b, start, depth, side + n, std::min(STRIP, width - n), scratch + n * depth);
      for (Rows rows : p.rows)
        for (int64_t top = rows.first, end = rows.first + rows.count; top < end; top += RESIDENT)
          for (int64_t n = 0; n < width; n += STRIP) {
            const vec* strip = (const vec*)(scratch + n * depth);
            int64_t count = std::min(STRIP, width - n), bottom = std::min(end, top + RESIDENT);
            for (int64_t row = top; row < bottom; row += ROWS) {
              int size = (int)std::min<int64_t>(ROWS, bottom - row);
              const float* from = p.a_turned ? a + row + start * p.a_step : a + row * p.a_step + start;
              float* to = c + row * p.c_step + side + n;
              strip_products_of(size, p.a_turned)(from, p.a_step, strip, depth, out);
              for (int r = 0; r < size; r++) finish(out[r], start > 0, bias ? bias[row + r] : 0.0f, to + r * p.c_step, count);
            }
          }
    });
  }
}

void row_sums(const float* a, int64_t rows, int64_t columns, float* sums) {
  for (int64_t row = 0; row < rows; row++, a += columns) {
    vec even{}, odd{};
    int64_t i = 0;
    for (; i + STRIP <= columns; i += STRIP) even += load(a + i), odd += load(a + i + LANES);
    float total = sum(even + odd);
    for (; i < columns; i++) total += a[i];
    sums[row] = total;
  }
}

}  // namespace
}  // namespace seedbed
