#include "agent/join_keys.h"

#include <algorithm>

namespace agent {
namespace {

constexpr size_t kMostKeys = 200;

bool alike(const ColumnNames& a, const ColumnNames& b) {
  if (a.name == b.name) return true;
  if (a.type != b.type || a.type == ColumnType::empty || a.type == ColumnType::boolean)
    return false;
  if (a.values.empty() || b.values.empty()) return true;
  return std::any_of(a.values.begin(), a.values.end(), [&](const std::string& value) {
    return std::find(b.values.begin(), b.values.end(), value) != b.values.end();
  });
}

}  // namespace

std::set<std::string> join_keys(const Names& names, const FileNames& file) {
  std::set<std::string> keys;
  for (const FileNames& other : names.files) {
    if (!other.is_table || other.path == file.path) continue;
    for (const ColumnNames& here : other.columns)
      for (const ColumnNames& there : file.columns) {
        if (!alike(here, there)) continue;
        keys.insert(here.name == there.name
                        ? lua_quoted(here.name)
                        : "{[" + lua_quoted(here.name) + "]=" + lua_quoted(there.name) + "}");
        if (keys.size() > kMostKeys) return {};
      }
  }
  return keys;
}

}  // namespace agent
