#include "sandbox/workspace/schedule.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace sandbox {
namespace {

/// One entry as a tree.
std::vector<Stamped> file(uint64_t ino) { return {{"", {.ino = ino}}}; }

/// Names and who has them; a name is only free, and a folder only there, if it says so.
using Names = std::map<std::string, uint64_t>;

bool lies_below(const std::string& path, const std::string& top) {
  return path.size() > top.size() && path.starts_with(top + "/");
}

/// Renames in plain maps, which refuse what a file system refuses.
class Disk {
 public:
  Names workspace, journal;

  void turn(const std::vector<Step>& steps, const Turn& turn, bool back) {
    const Step& s = steps[turn.step];
    const std::string own = std::to_string(turn.step);
    const std::string way = "way" + own, fresh = "new" + own, old = "old" + own;
    struct Rename {
      Names *from, *to;
      std::string a, b;
    };
    std::vector<Rename> renames;
    if (turn.part == Turn::Part::take) {
      renames = {{&workspace, &journal, s.from, way}};
    } else if (turn.part == Turn::Part::put) {
      renames = {{&journal, &workspace, way, s.path}};
    } else if (!s.from.empty()) {
      renames = {{&workspace, &workspace, s.from, s.path}};
    } else {
      if (!s.old_tree.empty()) renames.push_back({&workspace, &journal, s.path, old});
      if (!s.new_tree.empty()) renames.push_back({&journal, &workspace, fresh, s.path});
    }
    if (back) std::reverse(renames.begin(), renames.end());
    for (const Rename& r : renames) {
      back ? move(*r.to, r.b, *r.from, r.a) : move(*r.from, r.a, *r.to, r.b);
    }
  }

 private:
  static void move(Names& from, const std::string& a, Names& to, const std::string& b) {
    ASSERT_TRUE(from.contains(a)) << a << " is not there";
    ASSERT_FALSE(to.contains(b)) << b << " is taken";
    const size_t slash = b.rfind('/');
    if (slash != b.npos) {
      ASSERT_TRUE(to.contains(b.substr(0, slash))) << b << " has no folder";
    }
    Names tree;
    for (auto at = from.begin(); at != from.end();) {
      const bool mine = at->first == a || lies_below(at->first, a);
      if (mine) tree[b + at->first.substr(a.size())] = at->second;
      at = mine ? from.erase(at) : std::next(at);
    }
    ASSERT_FALSE(lies_below(b, a) && &from == &to) << "into itself";
    to.merge(tree);
  }
};

TEST(Schedule, MovesGoStraightWhereTheyCan) {
  // A sort into new folders, and its undo.
  const std::vector<Step> sort = {{.path = "out", .new_tree = file(1)},
                                  {.path = "out/a", .new_tree = file(2), .from = "in/a"},
                                  {.path = "out/b", .new_tree = file(3), .from = "in/b"}};
  EXPECT_EQ(schedule(sort), (std::vector<Turn>{{0}, {1}, {2}}));
  const std::vector<Step> undo = {{.path = "out", .old_tree = file(1)},
                                  {.path = "in/a", .new_tree = file(2), .from = "out/a"},
                                  {.path = "in/b", .new_tree = file(3), .from = "out/b"}};
  EXPECT_EQ(schedule(undo), (std::vector<Turn>{{2}, {1}, {0}}));
  // Of a chain only what stands between two others goes by way of the journal.
  const std::vector<Step> chain = {{.path = "b", .new_tree = file(1), .from = "a"},
                                   {.path = "c", .new_tree = file(2), .from = "b"},
                                   {.path = "d", .new_tree = file(3), .from = "c"}};
  using enum Turn::Part;
  EXPECT_EQ(schedule(chain), (std::vector<Turn>{{2}, {1, take}, {0}, {1, put}}));
}

/// A tree of names before and after something was done to it, as a reference for the steps.
struct Case {
  Names before, after;
  std::vector<Step> steps;
};

/// Moves, removes and adds at random, whole trees too, and says what it comes to: who has another
/// folder or name, apart from its folder's, moves.
Case random_case(std::mt19937& random) {
  auto below = [&](size_t n) { return random() % n; };
  struct Node {
    std::string name;
    int parent;
    bool old, gone = false;
    std::string old_name{};
    int old_parent = -1;
  };
  std::vector<Node> nodes = {{"", -1, true}};
  auto path_of = [&](int id, bool before) {
    std::string path;
    for (; id != 0; id = before ? nodes[id].old_parent : nodes[id].parent) {
      path = (before ? nodes[id].old_name : nodes[id].name) + (path.empty() ? "" : "/" + path);
    }
    return path;
  };
  auto gone = [&](int id) {
    for (; id != 0; id = nodes[id].parent)
      if (nodes[id].gone) return true;
    return false;
  };
  auto free = [&](int folder, const std::string& name) {
    for (size_t i = 1; i < nodes.size(); ++i)
      if (nodes[i].parent == folder && nodes[i].name == name && !nodes[i].gone) return false;
    return true;
  };
  auto name = [&] { return std::string(1, static_cast<char>('a' + below(4))); };
  auto any = [&] { return static_cast<int>(below(nodes.size())); };
  for (int i = 0; i < 12; ++i) {
    const int folder = any();
    const std::string n = name();
    if (free(folder, n)) nodes.push_back({n, folder, true, false, n, folder});
  }
  for (int i = 0; i < 14; ++i) {
    const int id = any(), folder = any();
    const std::string n = name();
    if (gone(folder)) continue;
    if (below(5) == 0) {
      if (free(folder, n)) nodes.push_back({n, folder, false});
      continue;
    }
    if (id == 0 || gone(id)) continue;
    if (below(5) == 0) {
      nodes[id].gone = true;
      continue;
    }
    bool inside = false;
    for (int at = folder; at > 0; at = nodes[at].parent) inside = inside || at == id;
    if (inside || !free(folder, n)) continue;
    nodes[id].name = n, nodes[id].parent = folder;
  }
  Case c;
  for (int id = 1; id < static_cast<int>(nodes.size()); ++id) {
    const Node& node = nodes[id];
    const uint64_t ino = static_cast<uint64_t>(id);
    const std::string was = node.old ? path_of(id, true) : "",
                      is = gone(id) ? "" : path_of(id, false);
    if (node.old) c.before[was] = ino;
    if (!is.empty()) c.after[is] = ino;
    if (!node.old && !is.empty() && nodes[node.parent].old)
      c.steps.push_back({.path = is, .new_tree = file(ino)});
    if (node.old && is.empty() && !gone(node.old_parent))
      c.steps.push_back({.path = was, .old_tree = file(ino)});
    if (node.old && !is.empty() && (node.parent != node.old_parent || node.name != node.old_name))
      c.steps.push_back({.path = is, .new_tree = file(ino), .from = was});
  }
  std::shuffle(c.steps.begin(), c.steps.end(), random);
  return c;
}

TEST(Schedule, AnyRearrangementCanBeCarriedOutAndTakenBack) {
  size_t straight = 0, by_way = 0;
  for (unsigned seed = 0; seed < 500; ++seed) {
    std::mt19937 random(seed);
    const Case c = random_case(random);
    Disk disk;
    disk.workspace = c.before;
    // What is new lies in the journal, with the new folders in it.
    for (size_t i = 0; i < c.steps.size(); ++i) {
      const Step& s = c.steps[i];
      if (!s.from.empty() || s.new_tree.empty()) continue;
      for (const auto& [path, ino] : c.after) {
        bool mine = path == s.path || lies_below(path, s.path);
        for (const Step& other : c.steps) {
          const bool inner = lies_below(other.path, s.path) && !other.new_tree.empty();
          mine = mine && !(inner && (path == other.path || lies_below(path, other.path)));
        }
        if (mine) disk.journal["new" + std::to_string(i) + path.substr(s.path.size())] = ino;
      }
    }
    const Names fresh = disk.journal;
    const std::vector<Turn> turns = schedule(c.steps);
    for (const Turn& turn : turns) {
      disk.turn(c.steps, turn, false);
      straight += turn.part == Turn::Part::whole && !c.steps[turn.step].from.empty();
      by_way += turn.part == Turn::Part::take;
      if (HasFatalFailure()) FAIL() << "seed " << seed;
    }
    ASSERT_EQ(disk.workspace, c.after) << "seed " << seed;
    for (auto turn = turns.rbegin(); turn != turns.rend(); ++turn) {
      disk.turn(c.steps, *turn, true);
      if (HasFatalFailure()) FAIL() << "seed " << seed;
    }
    ASSERT_EQ(disk.workspace, c.before) << "seed " << seed;
    ASSERT_EQ(disk.journal, fresh) << "seed " << seed;
    // The way back as a plan of its own.
    Disk undo;
    undo.workspace = c.after;
    std::vector<Step> back;
    for (size_t i = 0; i < c.steps.size(); ++i) {
      const Step& s = c.steps[i];
      if (!s.from.empty()) {
        back.push_back({.path = s.from, .new_tree = s.new_tree, .from = s.path});
        continue;
      }
      back.push_back({.path = s.path, .old_tree = s.new_tree, .new_tree = s.old_tree});
      if (s.old_tree.empty()) continue;
      for (const auto& [path, ino] : c.before) {
        bool mine = path == s.path || lies_below(path, s.path);
        for (const Step& other : c.steps) {
          const std::string& leaves = other.from.empty() ? other.path : other.from;
          const bool takes = !other.from.empty() || !other.old_tree.empty();
          mine = mine && !(takes && lies_below(leaves, s.path) &&
                           (path == leaves || lies_below(path, leaves)));
        }
        if (mine) undo.journal["new" + std::to_string(i) + path.substr(s.path.size())] = ino;
      }
    }
    for (const Turn& turn : schedule(back)) {
      undo.turn(back, turn, false);
      if (HasFatalFailure()) FAIL() << "undo, seed " << seed;
    }
    ASSERT_EQ(undo.workspace, c.before) << "undo, seed " << seed;
  }
  EXPECT_GT(straight, by_way) << "most need one rename";
  EXPECT_GT(by_way, 0u);
}

}  // namespace
}  // namespace sandbox
