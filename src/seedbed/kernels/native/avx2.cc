// 16 registers of 8 floats.
#define LANES 8
#define VARIANT avx2
#define POSITIONS 4
#define FILTERS 3
#define TAPS 4
#define GRADIENTS 3
#define ROWS 6
#include "table.h"
