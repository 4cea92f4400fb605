#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "tools/data/source.h"

namespace tools::data {

/// Reads a large delimited file once where CsvSource reads it twice: what the columns are is
/// guessed from the first rows, and each further value is checked as it is sent. A second thread
/// splits the text into fields meanwhile.
///
/// start: called once, with the columns, gives the sink of all rows. notes: as those of CsvSource.
/// Returns false, after some rows or none were sent, when a value contradicts the guess or the file
/// is small: then read it as usual. What is sent when it returns true is what CsvSource would send.
/// Errors: as CsvSource::open.
base::Result<bool> csv_single_pass(
    const std::string& path,
    const std::function<CellSink&(const std::vector<Column>& columns)>& start,
    std::vector<std::string>& notes);

}  // namespace tools::data
