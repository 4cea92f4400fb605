#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tools/file/expand.h"
#include "tools/file/tree.h"

namespace tools::file {

/// A folder in memory together with the steps that lead to it: what expand() works on.
struct Workbench {
  Tree tree;
  Expansion out{};
  size_t operation = 0;                      ///< being expanded, from 0 on
  std::string who{};                         ///< "operation 1 (move)"
  std::set<Node*> touched{};                 ///< folders that got a name beyond ASCII
  std::set<Node*> removed{};                 ///< with all that lay in them
  std::vector<std::unique_ptr<Node>> bin{};  ///< owns those: no new node gets an old address
  size_t n_nodes = 0;
  int n_spares = 0;

  explicit Workbench(const Listing& listing) : tree(listing), n_nodes(listing.entries.size()) {}
  base::Error error(base::Errc code, const std::string& text) const {
    return {code, who + ": " + text};
  }
  Step& add(StepKind kind);
};

/// A node and the path that it is to have.
struct Wanted {
  Node* node;
  std::string to;
};

/// Makes a folder and those above it, as far as they are missing. Errors: usage, refused.
base::Result<Node*> make_folder(Workbench& bench, const std::string& path);

/// Where something new goes: made free, or numbered, as `on_collision` says; "" is to be skipped.
/// from: what a skipped one is called. Errors: usage, refused.
base::Result<std::string> place_new(Workbench& bench, const std::string& to,
                                    const std::string& from, Collision on_collision);

/// Puts a new file where place_new() said.
void add_file(Workbench& bench, const std::string& path, uint64_t bytes, const std::string& origin);

/// Moves all of them at once, so that names can trade places. Errors: usage, refused.
base::Status move_all(Workbench& bench, std::vector<Wanted> moves, Collision on_collision);

/// Removes a node with all that is in it. Errors: refused.
base::Status remove_node(Workbench& bench, Node& node, const std::string& why);

/// Errors: refused: names can not be changed in this folder.
base::Status check_writable(const Workbench& bench, const Node& folder);

/// Errors: usage: a new name that differs from one beside it only by its Unicode form.
base::Status check_twins(Workbench& bench);

}  // namespace tools::file
