#pragma once

/// Before a function: compiled a second time for AVX2, and chosen when the program starts. Our
/// build is for every x86-64; the loops between oneDNN's products are a third of the time without
/// this. What such a function calls has to be inlined to be compiled again. Clang 14 and
/// sanitizers, which run before the choice is made, have one version.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                             \
    !defined(__SANITIZE_ADDRESS__)
#define SLUICE_VECTOR_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define SLUICE_VECTOR_CLONES
#endif
