// 32 registers of 16 floats.
#define LANES 16
#define VARIANT avx512
#define POSITIONS 4
#define FILTERS 6
#define TAPS 5
#define GRADIENTS 5
#define ROWS 12
#include "table.h"
