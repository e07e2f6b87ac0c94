/* Layers in int8: value = scale * (q - zero). Sums are exact in int32; maps are height x width x channels. */

/// shared
#define VALUE int8_t
#define LEAST (-128)

typedef struct {
    float scale;
    int zero;
} format;

static int8_t quantized(float value, format f)
{
    float q = rintf(value / f.scale) + (float)f.zero;
    return (int8_t)(q < -128.0f ? -128.0f : q > 127.0f ? 127.0f : q);
}

/// number
static float number(int8_t q, format f)
{
    return f.scale * (float)(q - f.zero);
}

/// identity
static float identity(float x)
{
    return x;
}

/// load_pixels
static void load_pixels(const PIXEL *pixels, int8_t *y, int count, int channels, const float *factor, const float *offset, format f)
{
    for (int i = 0; i < count; i++)
        y[i] = quantized((float)pixels[i] * factor[i % channels] + offset[i % channels], f);
}

/// fully_connected
static void fully_connected(const int8_t *x, int8_t *y, int inputs, int outputs, const int8_t *kernel, const float *scale,
                            const float *bias, float (*function)(float), int zero, format f)
{
    for (int o = 0; o < outputs; o++) {
        int32_t sum = 0;
        for (int i = 0; i < inputs; i++)
            sum += (x[i] - zero) * kernel[(long)o * inputs + i];
        y[o] = quantized(function((float)sum * scale[o] + bias[o]), f);
    }
}

/// logits
static void logits(const int8_t *x, float *y, int inputs, int outputs, const int8_t *kernel, const float *scale,
                   const float *bias, int zero)
{
    for (int o = 0; o < outputs; o++) {
        int32_t sum = 0;
        for (int i = 0; i < inputs; i++)
            sum += (x[i] - zero) * kernel[(long)o * inputs + i];
        y[o] = (float)sum * scale[o] + bias[o];
    }
}

/// convolve
static void convolve(const int8_t *x, int8_t *y, const window *w, const int8_t *kernel, const float *scale, const float *bias,
                     float (*function)(float), int zero, format f)
{
    for (int row = 0; row < w->rows; row++)
        for (int column = 0; column < w->columns; column++)
            for (int o = 0; o < w->filters; o++) {
                int32_t sum = 0;
                for (int i = 0; i < w->kernel_height; i++) {
                    int at = row * w->down - w->top + i;
                    if (at < 0 || at >= w->height)
                        continue;
                    for (int j = 0; j < w->kernel_width; j++) {
                        int across = column * w->right - w->left + j;
                        if (across < 0 || across >= w->width)
                            continue;
                        const int8_t *pixel = x + ((long)at * w->width + across) * w->channels;
                        const int8_t *k = kernel + (((long)o * w->kernel_height + i) * w->kernel_width + j) * w->channels;
                        for (int c = 0; c < w->channels; c++)
                            sum += (pixel[c] - zero) * k[c];
                    }
                }
                *y++ = quantized(function((float)sum * scale[o] + bias[o]), f);
            }
}

/// convolve_depthwise
static void convolve_depthwise(const int8_t *x, int8_t *y, const window *w, const int8_t *kernel, const float *scale,
                               const float *bias, float (*function)(float), int zero, format f)
{
    int each = w->filters / w->channels;
    for (int row = 0; row < w->rows; row++)
        for (int column = 0; column < w->columns; column++)
            for (int o = 0; o < w->filters; o++) {
                int32_t sum = 0;
                for (int i = 0; i < w->kernel_height; i++) {
                    int at = row * w->down - w->top + i;
                    if (at < 0 || at >= w->height)
                        continue;
                    for (int j = 0; j < w->kernel_width; j++) {
                        int across = column * w->right - w->left + j;
                        if (across >= 0 && across < w->width)
                            sum += (x[((long)at * w->width + across) * w->channels + o / each] - zero)
                                * kernel[((long)o * w->kernel_height + i) * w->kernel_width + j];
                    }
                }
                *y++ = quantized(function((float)sum * scale[o] + bias[o]), f);
            }
}

/// affine
static void affine(const int8_t *x, int8_t *y, int count, int channels, const float *factor, const float *offset,
                   float (*function)(float), format from, format f)
{
    for (int i = 0; i < count; i++)
        y[i] = quantized(function(number(x[i], from) * factor[i % channels] + offset[i % channels]), f);
}

/// apply
static void apply(const int8_t *x, int8_t *y, int count, float (*function)(float), format from, format f)
{
    for (int i = 0; i < count; i++)
        y[i] = quantized(function(number(x[i], from)), f);
}

/// pool_average
static void pool_average(const int8_t *x, int8_t *y, const window *w, format from, format f)
{
    for (int row = 0; row < w->rows; row++)
        for (int column = 0; column < w->columns; column++)
            for (int c = 0; c < w->channels; c++) {
                int32_t sum = 0, count = 0;
                for (int i = 0; i < w->kernel_height; i++)
                    for (int j = 0; j < w->kernel_width; j++) {
                        int at = row * w->down - w->top + i, across = column * w->right - w->left + j;
                        if (at >= 0 && at < w->height && across >= 0 && across < w->width) {
                            sum += x[((long)at * w->width + across) * w->channels + c] - from.zero;
                            count++;
                        }
                    }
                *y++ = quantized(from.scale * (float)sum / (float)count, f);
            }
}

/// add
static void add(const int8_t *a, const int8_t *b, int8_t *y, int count, format of_a, format of_b, format f)
{
    for (int i = 0; i < count; i++)
        y[i] = quantized(number(a[i], of_a) + number(b[i], of_b), f);
}

/// multiply
static void multiply(const int8_t *a, const int8_t *b, int8_t *y, int count, format of_a, format of_b, format f)
{
    for (int i = 0; i < count; i++)
        y[i] = quantized(number(a[i], of_a) * number(b[i], of_b), f);
}

/// join
static void join(const int8_t *x, int8_t *y, int pixels, int channels, int from, int all, format of_x, format f)
{
    for (int i = 0; i < pixels; i++)
        for (int c = 0; c < channels; c++)
            y[i * all + from + c] = quantized(number(x[i * channels + c], of_x), f);
}

/// numbers
static void numbers(const int8_t *x, float *y, int count, format from)
{
    for (int i = 0; i < count; i++)
        y[i] = number(x[i], from);
}
