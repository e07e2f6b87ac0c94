/* What both precisions share. Maps are height x width x channels, channels innermost; VALUE is the type of an output. */

/// window
typedef struct {
    int height, width, channels;      /* of the input */
    int rows, columns, filters;       /* of the output */
    int kernel_height, kernel_width;
    int down, right;                  /* steps of the window */
    int top, left;                    /* border above and to the left */
} window;

/// pool_max
static void pool_max(const VALUE *x, VALUE *y, const window *w)
{
    for (int row = 0; row < w->rows; row++)
        for (int column = 0; column < w->columns; column++)
            for (int c = 0; c < w->channels; c++) {
                VALUE most = LEAST;
                for (int i = 0; i < w->kernel_height; i++)
                    for (int j = 0; j < w->kernel_width; j++) {
                        int at = row * w->down - w->top + i, across = column * w->right - w->left + j;
                        if (at >= 0 && at < w->height && across >= 0 && across < w->width) {
                            VALUE value = x[((long)at * w->width + across) * w->channels + c];
                            most = value > most ? value : most;
                        }
                    }
                *y++ = most;
            }
}

/// pad
static void pad(const VALUE *x, VALUE *y, const window *w, VALUE zero)
{
    for (int row = 0; row < w->rows; row++)
        for (int column = 0; column < w->columns; column++)
            for (int c = 0; c < w->channels; c++) {
                int at = row - w->top, across = column - w->left;
                int inside = at >= 0 && at < w->height && across >= 0 && across < w->width;
                *y++ = inside ? x[((long)at * w->width + across) * w->channels + c] : zero;
            }
}
