/* GCC up to 12 at least declares that _tile_loadconfig() reads 8 bytes of its 64-byte operand, so at -O3
 * the stores that fill the rest are dropped as dead. ggml's AMX kernels then run with tiles of no rows and
 * die of an illegal instruction on every CPU that has AMX. The barrier makes the whole operand count.
 */
#if defined(__AMX_TILE__)
#include <immintrin.h>

static inline void footnote_tile_loadconfig(const void * config) {
    __asm__ volatile("" : : "r"(config) : "memory");
    _tile_loadconfig(config);
}

#define _tile_loadconfig footnote_tile_loadconfig
#endif
