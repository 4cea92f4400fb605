#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace cli {

/// A page that shows a Vega-Lite specification, drawn by Vega itself when the page is opened: one
/// file that makes no request, which its content security policy forbids as well.
/// spec: JSON text with its data inside.
/// Errors: not_found (the scripts of Vega are not on this machine; says how to get them).
base::Result<std::string> chart_html(const std::string& spec, const std::string& title);

/// The folder with vega.min.js, vega-lite.min.js and vega-embed.min.js: $TESSERA_VEGA, or the one that
/// came with the program. Empty where there is none.
std::filesystem::path find_vega();

}  // namespace cli
