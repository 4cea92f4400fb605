#include "tools/file/expand.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "tools/data/workspace.h"
#include "tools/file/beneath.h"
#include "tools/file/name_template.h"
#include "tools/file/pattern.h"
#include "tools/file/placement.h"
#include "tools/file/produce.h"

namespace tools::file {

using base::Errc;
using base::Error;
using base::Result;

namespace {

// Which files an operation means
// ---------------------------------------------------------------------------------------------------

/// Walks `folder` for what `pattern` matches. levels: how many folders deep it can reach.
void glob_walk(Node& folder, const std::string& path, const Pattern& pattern, bool folders,
               int levels, std::set<Node*>& seen, std::vector<Node*>& out) {
  for (auto& [name, child] : folder.children) {
    const std::string here = joined(path, name);
    const bool wanted = folders
                            ? child->is_folder()
                            : child->entry.kind == Kind::file || child->entry.kind == Kind::link;
    if (wanted && !seen.count(child.get()) && pattern.matches(here)) {
      seen.insert(child.get());
      out.push_back(child.get());
    }
    if (child->is_folder() && levels > 1)
      glob_walk(*child, here, pattern, folders, levels - 1, seen, out);
  }
}

/// The folders of a glob before its first wildcard.
std::string fixed_folder(const std::string& glob) {
  return parent_of(glob.substr(0, glob.find_first_of("*?[{\\")));
}

Error not_there(Workbench& bench, const std::string& path) {
  for (std::string up = parent_of(path); !up.empty(); up = parent_of(up))
    if (const Node* node = bench.tree.find(up); node && node->entry.kind == Kind::link)
      return bench.error(Errc::refused, in_quotes(path) + " lies behind the link " + in_quotes(up) +
                                            ", and links are not followed");
  std::vector<std::string> paths;
  for (Node* node : bench.tree.all()) {
    if (paths.size() >= 20'000) break;
    paths.push_back(node->path());
  }
  const std::string near = nearest(paths, path);
  return bench.error(Errc::not_found, "there is no file " + in_quotes(path) +
                                          (near.empty() ? "" : "; the nearest are " + near));
}

Result<std::vector<Node*>> select(Workbench& bench, const Operation& o) {
  std::vector<Node*> out;
  std::set<Node*> seen;
  for (const std::string& text : o.files) {
    const bool folders = text.back() == '/';
    Result<std::string> path = clean_path(bench.who, text);
    if (!path) return path.error();
    if (path->empty())
      return bench.error(Errc::usage, "\"files\" names the workspace itself; name what is in it");
    if (Node* node = bench.tree.find(*path)) {
      if (folders && !node->is_folder())
        return bench.error(Errc::usage, in_quotes(*path) + " is not a folder");
      if (seen.insert(node).second) out.push_back(node);
      continue;
    }
    if (!has_wildcards(*path)) return not_there(bench, *path);
    Result<Pattern> pattern = Pattern::glob(bench.who, *path, o.ignore_case);
    if (!pattern) return pattern.error();
    // Without regard to case, the fixed part can be written differently too.
    const std::string start = o.ignore_case ? "" : fixed_folder(*path);
    const size_t before = out.size();
    // A set or an alternative may hold a slash, ** any number of them.
    const int levels = path->find_first_of("[{") != path->npos || path->find("**") != path->npos
                           ? 1000
                           : static_cast<int>(std::count(path->begin(), path->end(), '/') -
                                              std::count(start.begin(), start.end(), '/') + 1);
    Node* folder = bench.tree.find(start);
    if (folder && folder->is_folder())
      glob_walk(*folder, start, *pattern, folders, levels, seen, out);
    if (out.size() == before)
      return bench.error(Errc::not_found, std::string(folders ? "no folder" : "no file") +
                                              " matches " + in_quotes(text));
  }
  return out;
}

/// Those that must be plain files.
Result<std::vector<Node*>> select_files(Workbench& bench, const Operation& o) {
  Result<std::vector<Node*>> nodes = select(bench, o);
  if (!nodes) return nodes;
  for (const Node* node : *nodes) {
    if (node->entry.kind == Kind::file) continue;
    const char* what = node->is_folder()                ? " is a folder, not a file"
                       : node->entry.kind == Kind::link ? " is a link, and links are not followed"
                                                        : " is not a regular file";
    return bench.error(Errc::refused, in_quotes(node->path()) + what);
  }
  return nodes;
}

void put_in_order(std::vector<Node*>& nodes, const std::string& order) {
  std::map<const Node*, std::string> paths;
  for (const Node* node : nodes) paths[node] = node->path();
  std::sort(nodes.begin(), nodes.end(), [&](const Node* a, const Node* b) {
    if (order == "date" && a->entry.mtime_ns != b->entry.mtime_ns)
      return a->entry.mtime_ns < b->entry.mtime_ns;
    if (order == "size" && a->entry.bytes != b->entry.bytes) return a->entry.bytes < b->entry.bytes;
    return paths[a] < paths[b];
  });
}

// The operations
// ---------------------------------------------------------------------------------------------------

/// Where each of `nodes` goes for "to": a folder, or the new path of a single one.
Result<std::vector<std::string>> destinations(Workbench& bench, const Operation& o,
                                              const std::vector<Node*>& nodes) {
  Result<std::string> to = clean_path(bench.who, o.to);
  if (!to) return to.error();
  const Node* there = bench.tree.find(*to);
  const bool single = nodes.size() == 1 && o.files.size() == 1 && !o.to.empty() &&
                      o.to.back() != '/' && nodes[0]->path() == o.files[0];
  const bool into =
      (there && there->is_folder()) || o.to.empty() || o.to.back() == '/' || to->empty();
  if (!into && !single && !(nodes.size() == 1 && o.files.size() == 1))
    return bench.error(Errc::usage, std::to_string(nodes.size()) + " files cannot all become " +
                                        in_quotes(o.to) + "; end it with / if it is a folder");
  std::vector<std::string> out;
  for (const Node* node : nodes) out.push_back(into ? joined(*to, node->name) : *to);
  return out;
}

base::Status do_move(Workbench& bench, const Operation& o) {
  Result<std::vector<Node*>> nodes = select(bench, o);
  if (!nodes) return nodes.error();
  Result<std::vector<std::string>> to = destinations(bench, o, *nodes);
  if (!to) return to.error();
  std::vector<Wanted> moves;
  for (size_t i = 0; i < nodes->size(); ++i) moves.push_back({(*nodes)[i], (*to)[i]});
  return move_all(bench, std::move(moves), o.on_collision);
}

base::Status do_copy(Workbench& bench, const Operation& o) {
  Result<std::vector<Node*>> nodes = select(bench, o);
  if (!nodes) return nodes.error();
  Result<std::vector<std::string>> to = destinations(bench, o, *nodes);
  if (!to) return to.error();
  for (size_t i = 0; i < nodes->size(); ++i) {
    const std::string from = (*nodes)[i]->path();
    size_t n_below = 0;
    std::vector<const Node*> rest = {(*nodes)[i]};
    while (!rest.empty()) {
      const Node* n = rest.back();
      rest.pop_back();
      ++n_below;
      if (n->entry.kind != Kind::file && !n->is_folder())
        return bench.error(Errc::refused, in_quotes(n->path()) +
                                              " is neither a file nor a folder and is not copied");
      for (const auto& [name, child] : n->children) rest.push_back(child.get());
    }
    if (((*to)[i] + "/").compare(0, from.size() + 1, from + "/") == 0 && (*nodes)[i]->is_folder())
      return bench.error(Errc::usage, "the folder " + in_quotes(from) + " cannot go into itself");
    // Without this, copies of copies double with every operation.
    if ((bench.n_nodes += n_below) > 400'000)
      return bench.error(Errc::limit, "the copies would be more than 400000 files");
    Result<std::string> place = place_new(bench, (*to)[i], from, o.on_collision);
    if (!place) return place.error();
    if (place->empty()) continue;
    // Replacing it may have taken away what was to be copied.
    if (bench.removed.count((*nodes)[i]))
      return bench.error(Errc::usage, in_quotes(from) + " would be replaced before it is copied");
    std::unique_ptr<Node> copy = bench.tree.clone(*(*nodes)[i]);
    Node* folder = bench.tree.find(parent_of(*place));
    bench.touched.insert(folder);
    bench.tree.attach(*folder, name_of(*place), std::move(copy));
    Step& step = bench.add(StepKind::copy);
    step.from = from;
    step.to = *place;
  }
  return base::Ok{};
}

base::Status do_rename(Workbench& bench, const Operation& o) {
  Result<std::vector<Node*>> nodes = select(bench, o);
  if (!nodes) return nodes.error();
  put_in_order(*nodes, o.order);
  Result<Pattern> pattern =
      o.regex.empty() ? Pattern::glob(bench.who, o.match.empty() ? "**" : o.match, o.ignore_case)
                      : Pattern::regex(bench.who, o.regex, o.ignore_case);
  if (!pattern) return pattern.error();
  std::vector<Wanted> moves;
  NameFacts facts;
  facts.counter = o.start;
  for (Node* node : *nodes) {
    Pattern::Match match;
    if (!o.regex.empty() || !o.match.empty()) {
      Result<Pattern::Match> found = pattern->match(node->name);
      if (!found && found.error().code == Errc::not_found) continue;
      if (!found) return bench.error(found.error().code, found.error().message);
      match = std::move(*found);
    } else {
      match = {.begin = 0, .end = node->name.size(), .captures = {node->name}};
    }
    facts.name = node->name;
    facts.captures = match.captures;
    facts.mtime_ns = node->entry.mtime_ns;
    Result<std::string> filled = fill_template(bench.who, o.to, facts);
    if (!filled) return filled.error();
    ++facts.counter;
    // A regular expression replaces what it matched, a glob the whole name.
    const std::string name =
        node->name.substr(0, match.begin) + *filled + node->name.substr(match.end);
    Result<std::string> path = clean_path(bench.who, joined(node->parent->path(), name));
    if (!path) return path.error();
    if (name.empty() || name.front() == '/' || name.back() == '/')
      return bench.error(Errc::usage, in_quotes(node->path()) + " would get an empty name");
    moves.push_back({node, *path});
  }
  if (moves.empty())
    return bench.error(Errc::not_found, "none of the names matches " +
                                            in_quotes(o.regex.empty() ? o.match : o.regex));
  return move_all(bench, std::move(moves), o.on_collision);
}

Result<std::string> sort_folder(const Workbench& bench, const Operation& o, const Node& node) {
  if (o.by == "extension") {
    std::string extension = data::extension(node.name);
    for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return extension.empty() ? std::string("no extension") : extension;
  }
  if (o.by == "date")
    return format_time(bench.who, o.format.empty() ? "%Y-%m" : o.format, node.entry.mtime_ns);
  if (o.by == "size")
    return std::string(node.entry.bytes < 1'000'000     ? "small"
                       : node.entry.bytes < 100'000'000 ? "medium"
                                                        : "large");
  const auto first = static_cast<unsigned char>(node.name[0]);
  if (std::isdigit(first)) return std::string("0-9");
  if (std::isalpha(first)) return std::string(1, static_cast<char>(std::toupper(first)));
  if (first < 0xC0) return std::string("other");
  // A letter beyond ASCII keeps a folder of its own.
  Result<std::string> upper =
      fill_template(bench.who, "{1:upper}",
                    {.name = node.name,
                     .captures = {node.name.substr(0, first >= 0xF0   ? 4
                                                      : first >= 0xE0 ? 3
                                                                      : 2)}});
  return upper;
}

base::Status do_sort(Workbench& bench, const Operation& o) {
  Result<std::vector<Node*>> nodes = select(bench, o);
  if (!nodes) return nodes.error();
  std::vector<Wanted> moves;
  for (Node* node : *nodes) {
    if (node->is_folder())
      return bench.error(Errc::usage, in_quotes(node->path()) + " is a folder; sort takes files");
    Result<std::string> folder = sort_folder(bench, o, *node);
    if (!folder) return folder.error();
    Result<std::string> path = clean_path(bench.who, joined(joined(o.into, *folder), node->name));
    if (!path) return path.error();
    moves.push_back({node, *path});
  }
  return move_all(bench, std::move(moves), o.on_collision);
}

base::Status do_remove(Workbench& bench, const Operation& o) {
  Result<std::vector<Node*>> nodes = select(bench, o);
  if (!nodes) return nodes.error();
  for (Node* node : *nodes) {
    if (bench.removed.count(node)) continue;  // with its folder
    if (node->is_folder() && !node->children.empty() && !o.recursive)
      return bench.error(Errc::usage, "the folder " + in_quotes(node->path()) +
                                          " is not empty; set recursive to true");
    if (base::Status s = remove_node(bench, *node, ""); !s) return s;
  }
  return base::Ok{};
}

base::Status do_dedupe(Workbench& bench, const Operation& o, const Contents& contents) {
  Result<std::vector<Node*>> nodes = select(bench, o);
  if (!nodes) return nodes.error();
  std::map<uint64_t, std::vector<Node*>> by_size;
  for (Node* node : *nodes) {
    if (node->entry.kind != Kind::file) continue;
    if (node->entry.origin.empty())
      return bench.error(Errc::usage, in_quotes(node->path()) +
                                          " is made by this plan; dedupe it in a plan after it");
    // Empty files have no content to be equal in: often their name is all they are for.
    if (node->entry.bytes > 0) by_size[node->entry.bytes].push_back(node);
  }
  for (auto& [bytes, group] : by_size) {
    if (group.size() < 2) continue;
    std::map<std::string, std::vector<std::pair<std::string, Node*>>> by_hash;
    for (Node* node : group) {
      Result<std::string> hash = contents.hash(node->entry.origin);
      if (!hash) return bench.error(hash.error().code, hash.error().message);
      by_hash[*hash].emplace_back(node->path(), node);
    }
    for (auto& [hash, same] : by_hash) {
      std::sort(same.begin(), same.end(), [&](const auto& a, const auto& b) {
        const Entry& x = a.second->entry;
        const Entry& y = b.second->entry;
        if (o.keep == "oldest" && x.mtime_ns != y.mtime_ns) return x.mtime_ns < y.mtime_ns;
        if (o.keep == "newest" && x.mtime_ns != y.mtime_ns) return x.mtime_ns > y.mtime_ns;
        if (o.keep == "shortest" && a.second->name.size() != b.second->name.size())
          return a.second->name.size() < b.second->name.size();
        return a.first < b.first;
      });
      for (size_t i = 1; i < same.size(); ++i)
        if (base::Status s = remove_node(bench, *same[i].second, "same as " + same[0].first); !s)
          return s;
    }
  }
  return base::Ok{};
}

/// Tables are only merged if their first records are the same. Those that the plan itself makes are
/// compared when they are there.
base::Status same_headers(Workbench& bench, const std::vector<Node*>& nodes,
                          const Contents& contents) {
  const Node* first = nullptr;
  std::string header;
  for (const Node* node : nodes) {
    if (node->entry.origin.empty()) continue;
    Result<std::string> own = contents.header(node->entry.origin);
    if (!own) return bench.error(own.error().code, own.error().message);
    if (first == nullptr) {
      first = node;
      header = *own;
    } else if (*own != header) {
      return bench.error(Errc::usage, different_headers(node->path(), *own, first->path(), header));
    }
  }
  return base::Ok{};
}

/// merge and archive: one file made of many.
base::Status do_gather(Workbench& bench, const Operation& o, const Contents& contents) {
  Result<std::vector<Node*>> nodes =
      o.verb == Verb::merge ? select_files(bench, o) : select(bench, o);
  if (!nodes) return nodes.error();
  put_in_order(*nodes, o.order);
  std::string format = o.format;
  const std::string to_name = name_of(o.to);
  if (o.verb == Verb::archive) {
    const auto ends = [&](const char* end) {
      return to_name.size() > std::string(end).size() && to_name.ends_with(end);
    };
    format = ends(".zip") ? "zip" : ends(".tar.gz") || ends(".tgz") ? "tar.gz" : "";
    if (format.empty())
      return bench.error(Errc::usage, in_quotes(o.to) + " must end in .zip, .tar.gz or .tgz");
  } else {
    const std::string extension = data::extension(to_name);
    if (format.empty()) format = extension == "csv" || extension == "tsv" ? "csv" : "text";
    if (nodes->size() < 2)
      return bench.error(Errc::usage,
                         "one file is nothing to merge: " + in_quotes(nodes->front()->path()));
    if (format == "csv")
      if (base::Status s = same_headers(bench, *nodes, contents); !s) return s;
  }
  // An archive holds whole folders; what lies in one of them is not taken twice.
  std::vector<Node*> roots;
  const std::set<const Node*> chosen(nodes->begin(), nodes->end());
  for (Node* node : *nodes) {
    bool inside = false;
    for (const Node* n = node->parent; n; n = n->parent) inside = inside || chosen.count(n);
    if (!inside) roots.push_back(node);
  }
  std::vector<std::string> sources;
  for (Node* root : roots) {
    std::vector<Node*> rest = {root};
    while (!rest.empty()) {
      Node* n = rest.back();
      rest.pop_back();
      if (n->entry.kind != Kind::file && !n->is_folder())
        return bench.error(Errc::refused,
                           in_quotes(n->path()) + " is a link or no regular file; leave it out");
      sources.push_back(n->path());
      for (auto it = n->children.rbegin(); it != n->children.rend(); ++it)
        rest.push_back(it->second.get());
    }
  }
  std::string first = roots.front()->path();
  Result<std::string> place = place_new(bench, o.to, first, o.on_collision);
  if (!place) return place.error();
  if (place->empty()) return base::Ok{};
  for (const Node* root : roots)
    if (bench.removed.count(const_cast<Node*>(root)))
      return bench.error(Errc::usage, in_quotes(*place) + " is one of its own sources");
  add_file(bench, *place, 0, "");
  Step& step = bench.add(o.verb == Verb::merge ? StepKind::merge : StepKind::archive);
  step.to = *place;
  step.sources = std::move(sources);
  step.format = format;
  if (!o.remove) return base::Ok{};
  for (Node* root : roots)
    if (base::Status s = remove_node(bench, *root, "now in " + *place); !s) return s;
  return base::Ok{};
}

base::Status do_convert(Workbench& bench, const Operation& o) {
  Result<std::vector<Node*>> nodes = select_files(bench, o);
  if (!nodes) return nodes.error();
  const std::string format = o.to == "jpg" ? "jpeg" : o.to;
  const bool picture = format == "png" || format == "jpeg";
  if (!picture && format != "csv" && format != "json")
    return bench.error(Errc::usage,
                       "\"to\" is " + in_quotes(o.to) + "; it can be png, jpeg, csv, json");
  Result<std::string> into = clean_path(bench.who, o.into);
  if (!into) return into.error();
  for (Node* node : *nodes) {
    const std::string from = node->path();
    std::string is = data::extension(node->name);
    for (char& c : is) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (is == "jpg") is = "jpeg";
    const bool fits = picture ? is == "png" || is == "jpeg" || is == "webp" || is == "gif"
                              : data::is_table_name(node->name);
    if (!fits || is == format)
      return bench.error(Errc::usage,
                         in_quotes(from) + (is == format ? " is that already"
                                            : picture    ? " is no picture (png, jpeg, webp, gif)"
                                                         : " is no table"));
    const std::string folder = o.into.empty() ? parent_of(from) : *into;
    Result<std::string> place =
        place_new(bench, joined(folder, split_extension(node->name).first + "." + o.to), from,
                  o.on_collision);
    if (!place) return place.error();
    if (place->empty()) continue;
    add_file(bench, *place, 0, "");
    Step& step = bench.add(StepKind::convert);
    step.from = from;
    step.to = *place;
    step.format = format;
  }
  return base::Ok{};
}

base::Status do_mkdir(Workbench& bench, const Operation& o) {
  Result<std::string> path = clean_path(bench.who, o.to);
  if (!path) return path.error();
  Result<Node*> made = make_folder(bench, *path);
  if (!made) return made.error();
  return base::Ok{};
}

base::Status run(Workbench& bench, const Operation& o, const Contents& contents) {
  switch (o.verb) {
    case Verb::mkdir:
      return do_mkdir(bench, o);
    case Verb::move:
      return do_move(bench, o);
    case Verb::copy:
      return do_copy(bench, o);
    case Verb::rename:
      return do_rename(bench, o);
    case Verb::sort:
      return do_sort(bench, o);
    case Verb::remove:
      return do_remove(bench, o);
    case Verb::dedupe:
      return do_dedupe(bench, o, contents);
    case Verb::merge:
    case Verb::archive:
      return do_gather(bench, o, contents);
    case Verb::convert:
      return do_convert(bench, o);
  }
  return bench.error(Errc::internal, "unknown");
}

}  // namespace

Result<Expansion> expand(const std::vector<Operation>& plan, const Listing& listing,
                         const Contents& contents) {
  Workbench bench(listing);
  for (const Operation& o : plan) {
    bench.who = "operation " + std::to_string(bench.operation + 1) + " (" + verb_name(o.verb) + ")";
    if (base::Status s = run(bench, o, contents); !s) return s.error();
    ++bench.operation;
  }
  if (base::Status s = check_twins(bench); !s) return s.error();
  bench.out.after = bench.tree.listing();
  return std::move(bench.out);
}

}  // namespace tools::file
