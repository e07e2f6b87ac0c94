// Vectors of 4 floats, which every processor of 64 bits has: 32 registers with NEON, 16 with SSE2.
#define LANES 4
#define VARIANT portable
#define POSITIONS 4
#define FILTERS 3
#define TAPS 5
#define GRADIENTS 2
#define ROWS 6
#include "table.h"
