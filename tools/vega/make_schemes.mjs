// Writes scheme_table.h: the colours of Vega's schemes, which are facts about Vega. Needs npm vega-scale.
//   node make_schemes.mjs NODE_MODULES > scheme_table.h
import { pathToFileURL } from "node:url";
const root = process.argv[2];
const load = (file) => import(pathToFileURL(`${root}/${file}`));
const { continuous, discrete } = await load("vega-scale/src/palettes.js");
const hex = (palette) => (Array.isArray(palette) ? palette.map((c) => c.slice(1)).join("") : palette);
console.log(`// Made by make_schemes.mjs from the colours of Vega's schemes; do not edit.
#pragma once

#include <string_view>

namespace tools::vega {

struct SchemeEntry {
  std::string_view name;  // lower case
  bool continuous;
  std::string_view colors;  // six hexadecimal digits each
};

inline constexpr SchemeEntry kSchemes[] = {`);
for (const [ramp, table] of [[true, continuous], [false, discrete]])
  for (const [name, palette] of Object.entries(table)) {
    const digits = hex(palette).match(/.{1,84}/g).map((s) => `"${s}"`).join("\n     ");
    console.log(`    {"${name.toLowerCase()}", ${ramp},\n     ${digits}},`);
  }
console.log("};\n\n}  // namespace tools::vega");
