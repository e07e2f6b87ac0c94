/* Layers in float32. Maps are height x width x channels, channels innermost. */

/// shared
#define VALUE float
#define LEAST (-INFINITY)

/// load_pixels
static void load_pixels(const PIXEL *pixels, float *y, int count, int channels, const float *factor, const float *offset)
{
    for (int i = 0; i < count; i++)
        y[i] = (float)pixels[i] * factor[i % channels] + offset[i % channels];
}

/// affine
static void affine(const float *x, float *y, int count, int channels, const float *factor, const float *offset)
{
    for (int i = 0; i < count; i++)
        y[i] = x[i] * factor[i % channels] + offset[i % channels];
}

/// apply
static void apply(const float *x, float *y, int count, float (*function)(float))
{
    for (int i = 0; i < count; i++)
        y[i] = function(x[i]);
}

/// fully_connected
static void fully_connected(const float *x, float *y, int inputs, int outputs, const float *kernel, const float *bias)
{
    for (int o = 0; o < outputs; o++) {
        const float *row = kernel + (long)o * inputs;
        float a = 0.0f, b = 0.0f, c = 0.0f, d = 0.0f; /* shorter sums round less than one long one */
        int i = 0;
        for (; i + 3 < inputs; i += 4) {
            a += row[i] * x[i];
            b += row[i + 1] * x[i + 1];
            c += row[i + 2] * x[i + 2];
            d += row[i + 3] * x[i + 3];
        }
        for (; i < inputs; i++)
            a += row[i] * x[i];
        y[o] = (a + b) + (c + d) + bias[o];
    }
}

/// convolve
static void convolve(const float *x, float *y, const window *w, const float *kernel, const float *bias)
{
    for (int row = 0; row < w->rows; row++)
        for (int column = 0; column < w->columns; column++)
            for (int f = 0; f < w->filters; f++) {
                float sum = 0.0f;
                for (int i = 0; i < w->kernel_height; i++) {
                    int at = row * w->down - w->top + i;
                    if (at < 0 || at >= w->height)
                        continue;
                    for (int j = 0; j < w->kernel_width; j++) {
                        int across = column * w->right - w->left + j;
                        if (across < 0 || across >= w->width)
                            continue;
                        const float *pixel = x + ((long)at * w->width + across) * w->channels;
                        const float *k = kernel + (((long)f * w->kernel_height + i) * w->kernel_width + j) * w->channels;
                        for (int c = 0; c < w->channels; c++)
                            sum += pixel[c] * k[c];
                    }
                }
                *y++ = sum + bias[f];
            }
}

/// convolve_depthwise
static void convolve_depthwise(const float *x, float *y, const window *w, const float *kernel, const float *bias)
{
    int each = w->filters / w->channels;
    for (int row = 0; row < w->rows; row++)
        for (int column = 0; column < w->columns; column++)
            for (int f = 0; f < w->filters; f++) {
                float sum = 0.0f;
                for (int i = 0; i < w->kernel_height; i++) {
                    int at = row * w->down - w->top + i;
                    if (at < 0 || at >= w->height)
                        continue;
                    for (int j = 0; j < w->kernel_width; j++) {
                        int across = column * w->right - w->left + j;
                        if (across >= 0 && across < w->width)
                            sum += x[((long)at * w->width + across) * w->channels + f / each]
                                * kernel[((long)f * w->kernel_height + i) * w->kernel_width + j];
                    }
                }
                *y++ = sum + bias[f];
            }
}

/// pool_average
static void pool_average(const float *x, float *y, const window *w)
{
    for (int row = 0; row < w->rows; row++)
        for (int column = 0; column < w->columns; column++)
            for (int c = 0; c < w->channels; c++) {
                float sum = 0.0f;
                int count = 0;
                for (int i = 0; i < w->kernel_height; i++)
                    for (int j = 0; j < w->kernel_width; j++) {
                        int at = row * w->down - w->top + i, across = column * w->right - w->left + j;
                        if (at >= 0 && at < w->height && across >= 0 && across < w->width) {
                            sum += x[((long)at * w->width + across) * w->channels + c];
                            count++;
                        }
                    }
                *y++ = sum / (float)count;
            }
}

/// add
static void add(const float *a, const float *b, float *y, int count)
{
    for (int i = 0; i < count; i++)
        y[i] = a[i] + b[i];
}

/// multiply
static void multiply(const float *a, const float *b, float *y, int count)
{
    for (int i = 0; i < count; i++)
        y[i] = a[i] * b[i];
}

/// join
static void join(const float *x, float *y, int pixels, int channels, int from, int all)
{
    for (int i = 0; i < pixels; i++)
        for (int c = 0; c < channels; c++)
            y[i * all + from + c] = x[i * channels + c];
}

/// softmax
static void softmax(const float *x, float *y, int count)
{
    float most = x[0], sum = 0.0f;
    for (int i = 1; i < count; i++)
        most = x[i] > most ? x[i] : most;
    for (int i = 0; i < count; i++) {
        y[i] = expf(x[i] - most);
        sum += y[i];
    }
    for (int i = 0; i < count; i++)
        y[i] /= sum;
}

/// shares
static void shares(const float *x, float *y, int count)
{
    float sum = 0.0f;
    for (int i = 0; i < count; i++)
        sum += x[i];
    for (int i = 0; i < count; i++)
        y[i] = x[i] / sum;
}

/// numbers
static void numbers(const float *x, float *y, int count)
{
    for (int i = 0; i < count; i++)
        y[i] = x[i];
}
