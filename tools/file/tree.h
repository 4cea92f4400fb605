#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "tools/file/listing.h"

namespace tools::file {

/// One file or folder of a Tree.
struct Node {
  std::string name;
  Entry entry;  ///< path: where it was in the listing; origin: where its content comes from
  Node* parent = nullptr;
  std::map<std::string, std::unique_ptr<Node>> children = {};

  bool is_folder() const { return entry.kind == Kind::folder; }
  /// Where it is now.
  std::string path() const;
};

/// A folder in memory, on which a plan is tried out. Nodes keep their address until they are
/// removed.
class Tree {
 public:
  explicit Tree(const Listing& listing);

  Node& root() { return *root_; }
  /// nullptr if there is nothing. path as from clean_path().
  Node* find(const std::string& path);
  /// Takes a node, with what is in it, out of its folder.
  std::unique_ptr<Node> detach(Node& node);
  /// Puts one into `folder` as `name`, which is free.
  Node& attach(Node& folder, const std::string& name, std::unique_ptr<Node> node);
  /// A copy of `node`, of which nothing is in the tree yet.
  std::unique_ptr<Node> clone(const Node& node) const;
  /// All nodes but the root, each folder before what is in it, by name.
  std::vector<Node*> all();
  /// As a listing, sorted the same way.
  Listing listing();

 private:
  std::unique_ptr<Node> root_;
};

}  // namespace tools::file
