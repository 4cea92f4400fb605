// Moves of one operation happen at once: a -> b and b -> a trade places, a -> b and b -> c form a
// chain. For a rename one after the other, each waits for the one whose place it takes; every move
// waits for at most one, so what waits forms chains, which are done from their ends, and cycles,
// which are opened by moving one name to a spare one.

#include "tools/file/placement.h"

#include <glib.h>

#include <algorithm>
#include <map>
#include <memory>
#include <unordered_map>

#include "tools/file/beneath.h"

namespace tools::file {

using base::Errc;
using base::Error;

namespace {

constexpr size_t kMaxSteps = 400'000;
constexpr int kMaxNumber = 100'000;

bool is_ascii(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
}

/// How many folders a link's target climbs before it goes down.
int climbs(const std::string& target) {
  int depth = 0, highest = 0;
  for (size_t at = 0; at < target.size();) {
    const size_t slash = std::min(target.find('/', at), target.size());
    const std::string name = target.substr(at, slash - at);
    if (name == "..")
      highest = std::max(highest, -(--depth));
    else if (!name.empty() && name != ".")
      ++depth;
    at = slash + 1;
  }
  return highest;
}

/// A link in `node`, which goes to another folder, that would lead elsewhere then; or nullptr.
const Node* bent_link(const Node& node, int depth) {
  if (node.entry.kind == Kind::link) {
    const std::string& target = node.entry.target;
    const bool relative = target.empty() || target[0] != '/';
    return relative && (depth == 0 || climbs(target) >= depth) ? &node : nullptr;
  }
  for (const auto& [name, child] : node.children)
    if (const Node* link = bent_link(*child, depth + 1)) return link;
  return nullptr;
}

std::string numbered(const std::string& path, int n) {
  const auto [stem, extension] = split_extension(name_of(path));
  return joined(parent_of(path), stem + " (" + std::to_string(n) + ")" + extension);
}

base::Error taken(const Workbench& bench, const std::string& path, const std::string& from) {
  return bench.error(Errc::usage, in_quotes(path) + " is taken already, so " + in_quotes(from) +
                                      " cannot go there; set on_collision to number, skip or "
                                      "replace");
}

void note_name(Workbench& bench, Node& folder, const std::string& name) {
  if (!is_ascii(name)) bench.touched.insert(&folder);
}

/// Checks one move by itself and makes the folder it goes to.
base::Result<Node*> prepare(Workbench& bench, const Wanted& move) {
  const std::string from = move.node->path();
  if (base::Status s = check_new_path(bench.who, move.to); !s) return s.error();
  if (move.node->entry.kind == Kind::other)
    return bench.error(Errc::refused, in_quotes(from) + " is neither a file, a folder nor a link");
  if (base::Status s = check_writable(bench, *move.node->parent); !s) return s.error();
  // Before a folder is made in it: it would become part of what is moved.
  if (move.node->is_folder() && (move.to + "/").compare(0, from.size() + 1, from + "/") == 0)
    return bench.error(Errc::usage, "the folder " + in_quotes(from) + " cannot go into itself");
  base::Result<Node*> folder = make_folder(bench, parent_of(move.to));
  if (!folder) return folder.error();
  if (base::Status s = check_writable(bench, **folder); !s) return s.error();
  if (*folder != move.node->parent) {
    if (move.node->is_folder())
      if (base::Status s = check_writable(bench, *move.node); !s) return s.error();
    if (const Node* link = bent_link(*move.node, 0))
      return bench.error(Errc::refused, in_quotes(link->path()) + " is a relative link (to " +
                                            in_quotes(link->entry.target) +
                                            "), which would lead elsewhere from there");
  }
  return folder;
}

/// One move that is settled: `folder` gets `node` as `name`.
struct Settled {
  Node* node;
  Node* folder;
  std::string name, from, to;
};

void emit_moves(Workbench& bench, const std::vector<Settled>& moves) {
  std::unordered_map<std::string, size_t> by_source;
  for (size_t i = 0; i < moves.size(); ++i) by_source[moves[i].from] = i;
  enum State : uint8_t { waiting, visited, done };
  std::vector<State> state(moves.size(), waiting);
  std::vector<std::string> now(moves.size());  // where a parked one is
  auto emit = [&](size_t i) {
    Step& step = bench.add(StepKind::move);
    step.from = now[i].empty() ? moves[i].from : now[i];
    step.to = moves[i].to;
    if (!now[i].empty()) step.really_from = moves[i].from;
    state[i] = done;
  };
  for (size_t first = 0; first < moves.size(); ++first) {
    std::vector<size_t> chain;
    size_t i = first;
    while (state[i] == waiting) {
      state[i] = visited;
      chain.push_back(i);
      const auto next = by_source.find(moves[i].to);
      if (next == by_source.end()) break;
      i = next->second;
      if (state[i] == visited) {  // in this chain: a cycle
        std::string spare;
        do {
          spare = joined(parent_of(moves[i].from),
                         ".tessera-spare-" + std::to_string(++bench.n_spares));
        } while (bench.tree.find(spare));
        Step& step = bench.add(StepKind::move);
        step.from = moves[i].from;
        step.to = spare;
        step.to_spare = true;
        now[i] = spare;
        break;
      }
    }
    while (!chain.empty()) {
      emit(chain.back());
      chain.pop_back();
    }
  }
}

}  // namespace

Step& Workbench::add(StepKind kind) {
  out.steps.push_back({.kind = kind, .operation = operation});
  return out.steps.back();
}

base::Status check_writable(const Workbench& bench, const Node& folder) {
  if (!folder.entry.read_only) return base::Ok{};
  const std::string path = folder.path();
  return bench.error(Errc::refused,
                     "the folder " + (path.empty() ? "itself" : in_quotes(path)) + " is read-only");
}

base::Result<Node*> make_folder(Workbench& bench, const std::string& path) {
  Node* node = &bench.tree.root();
  for (size_t at = 0; at < path.size();) {
    const size_t slash = std::min(path.find('/', at), path.size());
    const std::string name = path.substr(at, slash - at);
    const std::string here = path.substr(0, slash);
    const auto it = node->children.find(name);
    if (it != node->children.end()) {
      node = it->second.get();
      if (node->entry.kind == Kind::link)
        return bench.error(Errc::refused,
                           in_quotes(here) + " is a link, and links are not followed");
      if (!node->is_folder())
        return bench.error(Errc::usage, in_quotes(here) + " is a file where a folder is needed");
    } else {
      if (base::Status s = check_new_path(bench.who, here); !s) return s.error();
      if (base::Status s = check_writable(bench, *node); !s) return s.error();
      if (bench.out.steps.size() >= kMaxSteps)
        return bench.error(Errc::limit, "the plan has more than 400000 steps");
      auto made = std::make_unique<Node>(Node{.name = name, .entry = {.kind = Kind::folder}});
      note_name(bench, *node, name);
      node = &bench.tree.attach(*node, name, std::move(made));
      ++bench.n_nodes;
      bench.add(StepKind::mkdir).to = here;
    }
    at = slash + 1;
  }
  return node;
}

base::Status remove_node(Workbench& bench, Node& node, const std::string& why) {
  if (base::Status s = check_writable(bench, *node.parent); !s) return s;
  std::vector<const Node*> rest = {&node};
  while (!rest.empty()) {
    const Node* n = rest.back();
    rest.pop_back();
    bench.removed.insert(const_cast<Node*>(n));
    --bench.n_nodes;
    if (n->children.empty()) continue;
    if (base::Status s = check_writable(bench, *n); !s) return s;
    for (const auto& [name, child] : n->children) rest.push_back(child.get());
  }
  Step& step = bench.add(StepKind::remove);
  step.from = node.path();
  step.why = why;
  bench.bin.push_back(bench.tree.detach(node));
  return base::Ok{};
}

base::Result<std::string> place_new(Workbench& bench, const std::string& to,
                                    const std::string& from, Collision on_collision) {
  base::Result<std::string> clean = clean_path(bench.who, to);
  if (!clean) return clean.error();
  std::string path = *clean;
  if (base::Status s = check_new_path(bench.who, path); !s) return s.error();
  base::Result<Node*> folder = make_folder(bench, parent_of(path));
  if (!folder) return folder.error();
  if (base::Status s = check_writable(bench, **folder); !s) return s.error();
  if (bench.n_nodes > kMaxSteps || bench.out.steps.size() > kMaxSteps)
    return bench.error(Errc::limit, "the plan has more than 400000 steps or files");
  Node* there = bench.tree.find(path);
  if (!there) return path;
  switch (on_collision) {
    case Collision::refuse:
      return taken(bench, path, from);
    case Collision::skip:
      bench.out.skipped.push_back(in_quotes(from) + ": " + in_quotes(path) + " is taken");
      return std::string();
    case Collision::replace: {
      if (there->is_folder())
        return bench.error(Errc::refused, in_quotes(path) + " is a folder and is not replaced");
      if (base::Status s = remove_node(bench, *there, "replaced by " + from); !s) return s.error();
      return path;
    }
    case Collision::number:
      for (int n = 2; n < kMaxNumber; ++n) {
        const std::string next = numbered(path, n);
        if (bench.tree.find(next)) continue;
        if (base::Status s = check_new_path(bench.who, next); !s) return s.error();
        return next;
      }
  }
  return bench.error(Errc::limit, "there is no free number for " + in_quotes(path));
}

void add_file(Workbench& bench, const std::string& path, uint64_t bytes,
              const std::string& origin) {
  Node* folder = bench.tree.find(parent_of(path));
  const std::string name = name_of(path);
  note_name(bench, *folder, name);
  bench.tree.attach(
      *folder, name,
      std::make_unique<Node>(
          Node{.name = name, .entry = {.kind = Kind::file, .bytes = bytes, .origin = origin}}));
  ++bench.n_nodes;
}

base::Status move_all(Workbench& bench, std::vector<Wanted> moves, Collision on_collision) {
  std::erase_if(moves, [](const Wanted& m) { return m.node->path() == m.to; });
  std::set<const Node*> moving;
  for (const Wanted& m : moves) moving.insert(m.node);
  for (const Wanted& m : moves)
    for (const Node* n = m.node->parent; n; n = n->parent)
      if (moving.count(n))
        return bench.error(Errc::usage, in_quotes(m.node->path()) + " lies in " +
                                            in_quotes(n->path()) + ", which is moved too");
  std::vector<Settled> settled;
  for (Wanted& m : moves) {
    base::Result<Node*> folder = prepare(bench, m);
    if (!folder) return folder.error();
    for (const Node* n = *folder; n; n = n->parent)
      if (moving.count(n))
        return bench.error(Errc::usage, in_quotes(m.to) + " lies in " + in_quotes(n->path()) +
                                            ", which is moved too");
    settled.push_back({.node = m.node,
                       .folder = *folder,
                       .name = name_of(m.to),
                       .from = m.node->path(),
                       .to = m.to});
  }
  // A skipped one stays where it is and may be in the way of another: again, until nothing changes.
  if (on_collision == Collision::skip) {
    for (bool again = true; again;) {
      again = false;
      std::set<std::string> claimed;
      std::erase_if(settled, [&](const Settled& s) {
        const auto it = s.folder->children.find(s.name);
        const bool free = it == s.folder->children.end() || moving.count(it->second.get());
        if (free && claimed.insert(s.to).second) return false;
        bench.out.skipped.push_back(in_quotes(s.from) + ": " + in_quotes(s.to) + " is taken");
        moving.erase(s.node);
        return again = true;
      });
    }
  }
  std::map<std::string, std::string> claimed;  // by whom
  std::unordered_map<std::string, int> numbers;
  for (Settled& s : settled) {
    const auto occupant = [&]() -> Node* {
      const auto it = s.folder->children.find(s.name);
      return it == s.folder->children.end() || moving.count(it->second.get()) ? nullptr
                                                                              : it->second.get();
    };
    const auto rival = claimed.find(s.to);
    if (Node* there = occupant(); there || rival != claimed.end()) {
      if (on_collision == Collision::number) {
        const std::string wanted = s.to;
        int& n = numbers.try_emplace(wanted, 1).first->second;
        do {
          if (++n > kMaxNumber)
            return bench.error(Errc::limit, "there is no free number for " + in_quotes(wanted));
          s.to = numbered(wanted, n);
          s.name = name_of(s.to);
        } while (s.folder->children.count(s.name) || claimed.count(s.to));
        if (base::Status ok = check_new_path(bench.who, s.to); !ok) return ok;
      } else if (rival != claimed.end()) {
        return bench.error(Errc::usage, "both " + in_quotes(rival->second) + " and " +
                                            in_quotes(s.from) + " would become " + in_quotes(s.to));
      } else if (on_collision == Collision::replace) {
        if (there->is_folder())
          return bench.error(Errc::refused, in_quotes(s.to) + " is a folder and is not replaced");
        if (base::Status ok = remove_node(bench, *there, "replaced by " + s.from); !ok) return ok;
      } else {
        return taken(bench, s.to, s.from);
      }
    }
    claimed[s.to] = s.from;
  }
  if (bench.out.steps.size() + settled.size() > kMaxSteps)
    return bench.error(Errc::limit, "the plan has more than 400000 steps");
  emit_moves(bench, settled);
  std::vector<std::unique_ptr<Node>> in_hand;
  for (const Settled& s : settled) in_hand.push_back(bench.tree.detach(*s.node));
  for (size_t i = 0; i < settled.size(); ++i) {
    note_name(bench, *settled[i].folder, settled[i].name);
    bench.tree.attach(*settled[i].folder, settled[i].name, std::move(in_hand[i]));
  }
  return base::Ok{};
}

base::Status check_twins(Workbench& bench) {
  for (Node* folder : bench.touched) {
    if (bench.removed.count(folder)) continue;
    std::map<std::string, const Node*> by_form;
    for (const auto& [name, node] : folder->children) {
      if (is_ascii(name) || !g_utf8_validate_len(name.data(), name.size(), nullptr)) continue;
      const std::unique_ptr<char, void (*)(void*)> form(
          g_utf8_normalize(name.data(), static_cast<gssize>(name.size()), G_NORMALIZE_NFC), g_free);
      if (!form) continue;
      const auto [it, fresh] = by_form.emplace(form.get(), node.get());
      if (fresh) continue;
      // Two that were there before are none of our business.
      const bool old =
          node->entry.path == node->path() && it->second->entry.path == it->second->path();
      if (!old)
        return Error{Errc::usage, "two files would be called " + in_quotes(node->path()) +
                                      ", spelled with different Unicode characters that look the "
                                      "same"};
    }
  }
  return base::Ok{};
}

}  // namespace tools::file
