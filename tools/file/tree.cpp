#include "tools/file/tree.h"

#include <algorithm>

#include "tools/file/beneath.h"

namespace tools::file {

std::string Node::path() const {
  if (!parent) return {};
  std::string path = name;
  for (const Node* n = parent; n->parent; n = n->parent) path = n->name + "/" + path;
  return path;
}

Tree::Tree(const Listing& listing) : root_(std::make_unique<Node>()) {
  root_->entry.kind = Kind::folder;
  Node* folder = root_.get();
  std::string folder_path;
  for (const Entry& entry : listing.entries) {
    const std::string parent = parent_of(entry.path);
    if (parent != folder_path) {
      folder = find(parent);
      folder_path = parent;
    }
    if (!folder) {  // not a listing of list(): an entry without its folder
      folder_path = "/";
      continue;
    }
    auto node = std::make_unique<Node>(Node{.name = name_of(entry.path), .entry = entry});
    node->entry.origin = entry.path;
    node->parent = folder;
    const std::string name = node->name;
    folder->children.emplace_hint(folder->children.end(), name, std::move(node));
  }
}

Node* Tree::find(const std::string& path) {
  Node* node = root_.get();
  for (size_t at = 0; at < path.size();) {
    const size_t slash = std::min(path.find('/', at), path.size());
    const auto it = node->children.find(path.substr(at, slash - at));
    if (it == node->children.end()) return nullptr;
    node = it->second.get();
    at = slash + 1;
  }
  return node;
}

std::unique_ptr<Node> Tree::detach(Node& node) {
  const auto it = node.parent->children.find(node.name);
  std::unique_ptr<Node> out = std::move(it->second);
  node.parent->children.erase(it);
  out->parent = nullptr;
  return out;
}

Node& Tree::attach(Node& folder, const std::string& name, std::unique_ptr<Node> node) {
  node->name = name;
  node->parent = &folder;
  return *(folder.children[name] = std::move(node));
}

// The depth of a listing is bounded, so are these recursions.
std::unique_ptr<Node> Tree::clone(const Node& node) const {
  auto out = std::make_unique<Node>(Node{.name = node.name, .entry = node.entry});
  out->entry.path.clear();
  out->entry.read_only = false;
  for (const auto& [name, child] : node.children) {
    std::unique_ptr<Node> copy = clone(*child);
    copy->parent = out.get();
    out->children.emplace_hint(out->children.end(), name, std::move(copy));
  }
  return out;
}

static void collect(Node& folder, std::vector<Node*>& out) {
  for (auto& [name, child] : folder.children) {
    out.push_back(child.get());
    collect(*child, out);
  }
}

std::vector<Node*> Tree::all() {
  std::vector<Node*> out;
  collect(*root_, out);
  return out;
}

Listing Tree::listing() {
  Listing out;
  for (Node* node : all()) {
    Entry entry = node->entry;
    entry.path = node->path();
    out.entries.push_back(std::move(entry));
  }
  return out;
}

}  // namespace tools::file
