#include "sandbox/workspace/record.h"

#include "base/json.h"

#include <array>
#include <charconv>
#include <concepts>
#include <utility>

#include "base/utf8.h"
#include "sandbox/workspace/text.h"

// {"format": 2, "id": "0003", "label": …, "time_ms": …, "state": "committed", "bytes": …,
//  "n_changes": …}
// {"changes": [[kind, path, from, old_size, new_size, old_mode, new_mode], …],
//  "steps": [[path, old_tree, new_tree, from, store], …], "undo_steps": …,
//  "folders": [[after, from_mode, to_mode, from_mtime_ns, to_mtime_ns, set_mode, set_mtime,
//  before],
//              …],
//  "undo_folders": …}
//
// `from` and `store` are left out where both are empty, and `before` where it is `after`; either is
// null where there is no folder. Format 1, which is read too, has none of the three.
//
// A tree is [[path, ino, size, mtime_ns, ctime_ns, mode], …], with a hash of the content as a
// seventh of a file that a run brought (older records have none). The device is left out, since it
// may have another number after the next start of the machine. JSON is UTF-8 and names need not be:
// a '%', a control character, and each byte above 0x7f of a name that is not UTF-8, is written %XX.

namespace sandbox {

namespace {

using base::Errc;
using base::Error;
using base::Result;
using Json = nlohmann::json;

constexpr std::pair<RunState, const char*> kStates[] = {{RunState::applying, "applying"},
                                                        {RunState::applying_back, "applying back"},
                                                        {RunState::kept, "kept"},
                                                        {RunState::committed, "committed"},
                                                        {RunState::checking, "checking"},
                                                        {RunState::undoing, "undoing"},
                                                        {RunState::undoing_back, "undoing back"},
                                                        {RunState::undone, "undone"},
                                                        {RunState::redoing, "redoing"},
                                                        {RunState::redoing_back, "redoing back"}};

constexpr int kFormat = 2;

constexpr std::array kKinds = {ChangeKind::added, ChangeKind::changed, ChangeKind::removed,
                               ChangeKind::moved, ChangeKind::mode};

std::string encode(std::string_view name) {
  const bool utf8 = base::is_utf8(name);
  constexpr char kHex[] = "0123456789abcdef";
  std::string result;
  for (char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '%' || byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !utf8)) {
      result += {'%', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      result += c;
    }
  }
  return result;
}

/// What parse_record() throws and catches itself, beside what the library throws.
struct Bad {
  std::string what;
};

std::string decode(const Json& json) {
  const std::string& text = json.get_ref<const std::string&>();
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    auto digit = [&](size_t at) {
      const char c = at < text.size() ? text[at] : 'x';
      if (c >= '0' && c <= '9') return c - '0';
      if (c >= 'a' && c <= 'f') return c - 'a' + 10;
      throw Bad{"a % without two digits"};
    };
    result += static_cast<char>(digit(i + 1) * 16 + digit(i + 2));
    i += 2;
  }
  return result;
}

/// A path that stays where it belongs, whoever wrote it down.
std::string path(const Json& json, bool in_workspace) {
  std::string result = decode(json);
  if (result.find('\0') != std::string::npos) throw Bad{"a path with a zero byte"};
  for (size_t start = 0; !result.empty() && start <= result.size();) {
    const size_t slash = std::min(result.find('/', start), result.size());
    const std::string_view name = std::string_view(result).substr(start, slash - start);
    if (name.empty() || name == "." || name == "..") throw Bad{"the path " + printable(result)};
    if (in_workspace && start == 0 && name == ".tessera") throw Bad{"a path into the journal"};
    start = slash + 1;
  }
  return result;
}

/// The second line is written as text: it may have a million values.
struct Writer {
  std::string out;

  void add(std::string_view name) {
    out += '"';
    for (const char c : encode(name)) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  void add(const std::string& name) { add(std::string_view(name)); }
  void add(bool value) { out += value ? "true" : "false"; }
  template <std::integral T>
  void add(T value) {
    char digits[24];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  }

  void add(const Change& c) {
    row(kind_name(c.kind), c.path, c.from, c.old_size, c.new_size, c.old_mode, c.new_mode);
  }
  void add(const Stamped& entry) {
    const Stamp& s = entry.second;
    if (s.hash == 0)
      row(entry.first, s.ino, s.size, s.mtime_ns, s.ctime_ns, s.mode);
    else
      row(entry.first, s.ino, s.size, s.mtime_ns, s.ctime_ns, s.mode, s.hash);
  }
  void add(const Step& s) {
    if (s.from.empty() && s.store.empty())
      row(s.path, s.old_tree, s.new_tree);
    else
      row(s.path, s.old_tree, s.new_tree, s.from, s.store);
  }
  void add(const std::optional<std::string>& path) {
    if (path)
      add(*path);
    else
      out += "null";
  }
  void add(const FolderStep& f) {
    if (f.before == f.after)
      row(f.after, f.from_mode, f.to_mode, f.from_mtime_ns, f.to_mtime_ns, f.set_mode, f.set_mtime);
    else
      row(f.after, f.from_mode, f.to_mode, f.from_mtime_ns, f.to_mtime_ns, f.set_mode, f.set_mtime,
          f.before);
  }
  template <class T>
  void add(const std::vector<T>& list) {
    out += '[';
    for (const T& item : list) {
      if (out.back() != '[') out += ',';
      add(item);
    }
    out += ']';
  }

  template <class... T>
  void row(const T&... values) {
    out += '[';
    bool first = true;
    ((out += std::exchange(first, false) ? "" : ",", add(values)), ...);
    out += ']';
  }
};

std::vector<Stamped> tree_from(const Json& json) {
  std::vector<Stamped> result;
  for (const Json& e : json) {
    result.push_back({path(e.at(0), false),
                      {.ino = e.at(1),
                       .size = e.at(2),
                       .mtime_ns = e.at(3),
                       .ctime_ns = e.at(4),
                       .mode = e.at(5),
                       .hash = e.size() > 6 ? e.at(6).get<uint64_t>() : 0}});
  }
  if (!result.empty() && !result[0].first.empty()) throw Bad{"a tree without its top"};
  return result;
}

std::vector<Step> steps_from(const Json& json) {
  std::vector<Step> result;
  for (const Json& e : json) {
    Step step{.path = path(e.at(0), true),
              .old_tree = tree_from(e.at(1)),
              .new_tree = tree_from(e.at(2))};
    if (e.size() > 3) {
      step.from = path(e.at(3), true);
      step.store = path(e.at(4), false);
    }
    if (step.path.empty()) throw Bad{"a step without a path"};
    if (!step.from.empty() && (!step.old_tree.empty() || step.new_tree.empty()))
      throw Bad{"a move of nothing"};
    result.push_back(std::move(step));
  }
  return result;
}

std::vector<FolderStep> folders_from(const Json& json) {
  std::vector<FolderStep> result;
  auto place = [](const Json& json) {
    return json.is_null() ? std::optional<std::string>() : path(json, true);
  };
  for (const Json& e : json) {
    result.push_back({place(e.at(e.size() > 7 ? 7 : 0)), place(e.at(0)), e.at(1), e.at(2), e.at(3),
                      e.at(4), e.at(5), e.at(6)});
  }
  return result;
}

}  // namespace

std::string store_within(int level, const std::string& path) {
  return ".tessera/" + std::to_string(level) + "/" + path;
}

std::string_view state_name(RunState state) {
  for (const auto& [value, name] : kStates) {
    if (value == state) return name;
  }
  return "";
}

std::string serialize(const Record& record) {
  const Json header = {{"format", kFormat},
                       {"id", record.id},
                       {"label", encode(record.label)},
                       {"time_ms", record.time_ms},
                       {"state", state_name(record.state)},
                       {"bytes", record.bytes},
                       {"n_changes", record.changes.size()}};
  Writer body;
  body.out = header.dump() + "\n{\"changes\":";
  body.add(record.changes);
  body.out += ",\"steps\":";
  body.add(record.steps);
  body.out += ",\"undo_steps\":";
  body.add(record.undo_steps);
  body.out += ",\"folders\":";
  body.add(record.folders);
  body.out += ",\"undo_folders\":";
  body.add(record.undo_folders);
  body.out += "}\n";
  return std::move(body.out);
}

Result<Record> parse_record(std::string_view text, const std::string& origin, bool header_only) {
  auto damaged = [&](const std::string& what) {
    return Error{Errc::corrupt, origin + " is damaged (" + what +
                                    "); nothing was touched. Move that folder away to go on"};
  };
  const size_t newline = text.find('\n');
  if (newline == std::string_view::npos || !text.ends_with('\n')) return damaged("cut off");
  try {
    const Json header = Json::parse(text.substr(0, newline));
    const Json& format = header.at("format");
    if (format.is_number_integer() && format > kFormat) {
      return Error{Errc::corrupt, origin + " was written by a newer version of Tessera (format " +
                                      format.dump() + "); nothing was touched"};
    }
    if (format != 1 && format != kFormat) return damaged("format " + format.dump());
    Record record{.id = header.at("id"),
                  .label = decode(header.at("label")),
                  .time_ms = header.at("time_ms"),
                  .bytes = header.at("bytes"),
                  .n_changes = header.at("n_changes")};
    const std::string state = header.at("state");
    bool known = false;
    for (const auto& [value, name] : kStates) {
      if (name != state) continue;
      record.state = value;
      known = true;
    }
    if (!known) return damaged("state " + state);
    if (header_only) return record;
    const Json body = Json::parse(text.substr(newline + 1));
    for (const Json& e : body.at("changes")) {
      Change c{.path = path(e.at(1), false),
               .from = path(e.at(2), false),
               .old_size = e.at(3),
               .new_size = e.at(4),
               .old_mode = e.at(5),
               .new_mode = e.at(6)};
      bool found = false;
      for (const ChangeKind kind : kKinds) {
        if (e.at(0) != kind_name(kind)) continue;
        c.kind = kind;
        found = true;
      }
      if (!found) return damaged("change " + e.at(0).dump());
      record.changes.push_back(std::move(c));
    }
    record.steps = steps_from(body.at("steps"));
    record.undo_steps = steps_from(body.at("undo_steps"));
    record.folders = folders_from(body.at("folders"));
    record.undo_folders = folders_from(body.at("undo_folders"));
    return record;
  } catch (const Json::exception& e) {
    return damaged(e.what());
  } catch (const Bad& bad) {
    return damaged(bad.what);
  }
}

}  // namespace sandbox
