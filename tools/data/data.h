#pragma once

/// tools::data: the front door. Reads the workspace's files as tables (reading.h), profiles them
/// (profile.h) and answers questions about them (table.h) with DuckDB (engine.h). FORMAT.md fixes
/// every text.
#include "tools/data/engine.h"
#include "tools/data/profile.h"
#include "tools/data/reading.h"
#include "tools/data/table.h"
#include "tools/data/value.h"
