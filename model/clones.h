#pragma once

/// Marks a loop that the compiler vectorises once per instruction set; the program picks one when
/// it starts. Sanitizers and clang get the plain version (their ifunc resolvers run before the
/// runtime is ready). Files that use it are compiled with -O3 -fno-trapping-math -fno-math-errno,
/// see meson.build.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && \
    !defined(__SANITIZE_ADDRESS__)
#define TESSERA_CLONES [[gnu::target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")]]
#else
#define TESSERA_CLONES
#endif
