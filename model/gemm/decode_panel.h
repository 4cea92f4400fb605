#pragma once

#include <cstdint>

#include "model/weights.h"

namespace model {

/// Decodes rows [first, first + 16) of W, as stored, to bf16 into a panel (packed_matrix.h):
/// [round_up(w.in, 32) / 2, 16, 2]. Rows past the last repeat it; columns past the last are zeros.
/// panel: 64-byte aligned.
void decode_panel(const Matrix& w, int first, uint16_t* panel);

/// The same from f32 rows, for every format and processor; what the quick ways are tested against.
void decode_panel_reference(const Matrix& w, int first, uint16_t* panel);

}  // namespace model
