#pragma once

namespace cli {

/// Starts the program anew with OPENBLAS_CORETYPE where OpenBLAS does not know this processor and
/// has fallen back to kernels for an old one (a tenth of the speed); it chooses once, before
/// main(). Does nothing where the variable is set, OpenBLAS has chosen well, or the command leaves
/// it little: only training does much with it where the processor multiplies bf16 itself, since
/// starting anew costs 50 ms.
void choose_blas_kernels(int argc, char** argv);

}  // namespace cli
