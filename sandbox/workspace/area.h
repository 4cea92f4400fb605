#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/workspace/apply.h"
#include "sandbox/workspace/record.h"

namespace sandbox {

struct AreaOptions {
  bool durable = true;   ///< survives a power failure, too, not only a kill
  bool exchange = true;  ///< false, for tests: as on a file system without RENAME_EXCHANGE
  StepHook at_step{};    ///< for tests
};

/// The journal's folder, locked: nobody else is in it, and no run is half done.
class Area {
 public:
  enum class Create { no, yes };

  /// Waits for the lock and recovers. None: there is no journal yet. `options` outlive the Area.
  /// Errors: not_found (no workspace), corrupt, refused (not on the file system of the workspace),
  /// system.
  static base::Result<std::optional<Area>> enter(const std::filesystem::path& workspace,
                                                 Create create, const AreaOptions& options);

  int workspace() const { return workspace_.get(); }
  int journal() const { return journal_.get(); }
  const StepHook& hook() const { return options_->at_step; }
  /// For messages: the folder of a run.
  std::string place(const std::string& id) const;

  /// Sorted by age. Errors: system.
  base::Result<std::vector<std::string>> ids() const;
  /// The next free one, with its folder made. Errors: system.
  base::Result<std::string> new_id();

  /// Errors: not_found, corrupt, system.
  base::Result<Record> read(const std::string& id, bool header_only) const;
  /// Writes the record of a run that is at rest. Errors: system.
  base::Status write(const Record& record) const;

  /// Writes down that the look before an undo may leave closed folders open. Errors: system.
  base::Status announce_check(Record record) const;
  base::Status end_check(const std::string& id) const;

  /// Carries out what record.state says: applying, undoing or redoing, whose steps are in it. The
  /// moment its record is on disk is the one from which it will be finished, whatever happens. On
  /// a conflict all is taken back; the paths are returned. record.state says what it came to.
  /// Errors: system; what can be is taken back.
  base::Result<std::vector<Conflict>> carry_out(Record& record) const;

  /// Removes a run that is at rest. Errors: system.
  base::Status forget(const std::string& id) const;

 private:
  Area() = default;
  base::Result<std::optional<Record>> read_file(const std::string& id, const char* name,
                                                bool header_only) const;
  base::Status write_file(const std::string& id, const char* name, const std::string& text) const;
  base::Status remove_file(const std::string& id, const char* name) const;
  base::Status check_identity(bool fresh) const;
  base::Status recover() const;
  base::Result<std::vector<Conflict>> drive(Record& record) const;
  /// Moves a tree of the journal to `aside`, under its name and, if that is taken, a number. Where
  /// it is now, beneath the journal.
  base::Result<std::string> set_aside(const std::string& from, const std::string& name) const;
  base::Status come_to_rest(Record& record) const;
  Plan plan(const Record& record) const;

  std::filesystem::path path_;
  base::UniqueFd workspace_, journal_, lock_;
  const AreaOptions* options_ = nullptr;
};

}  // namespace sandbox
