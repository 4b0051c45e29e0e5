#pragma once

#include "actors/jobs/job_records.hpp"

#include <caf/error.hpp>

#include <deque>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

namespace sluice {

/// How a line ended.
struct line_outcome {
  std::string text;      ///< the line of the output or error file, its end included
  bool answered = false; ///< for the output file
  job_charge charge;
};

/// A batch that is not over. Its lines are executed here one by one, or handed over to a provider
/// in parts (`job_part.hpp`); those of a part are under way until the part says otherwise. Every
/// step returns the changes that make it last, to be written in one go; the step counts once they
/// are on the disk.
///
/// A line waits in the store under a key of its own until the write that puts its result into the
/// output or error file takes it out of there. So after a crash the lines that are left are those
/// without a result, whatever was under way, and no line can have two results.
///
/// | status | next | when |
/// | --- | --- | --- |
/// | validating | in_progress | the input file was read and is in order |
/// | validating | failed | it is not |
/// | in_progress | completed | every line has a result |
/// | in_progress | finalizing | `expires_at` has come |
/// | finalizing | expired | what was left has been written down as expired |
/// | validating, in_progress | cancelling | asked for |
/// | cancelling | cancelled | nothing is under way any more |
class job {
public:
  explicit job(batch_object x) : batch_(std::move(x)) {}

  const batch_object& batch() const { return batch_; }
  const std::string& id() const { return batch_.id; }

  // The input file has been read.
  store_changes validated(uint32_t lines, int64_t now);
  store_changes refused(std::vector<batch_error> errors, int64_t now);

  /// Whether a page of lines is to be fetched now: few are at hand and there are more.
  bool wants_lines() const;
  /// The question for it. Until its answer is given to `fetched` no other is asked.
  store_scan ask();
  /// Lines to execute; in a batch that expires, the changes that write them down as expired. Fails
  /// with `storage_failed` where a record cannot be read.
  caf::expected<store_changes> fetched(store_page page);

  /// The next line to execute; nothing where there is none at hand or the batch is ending.
  std::optional<job_line> take();
  bool has_lines() const { return batch_.status == batch_status::in_progress && !lines_.empty(); }
  /// A line that `take` gave could not be executed just now: it comes again.
  void give_back(job_line line);
  /// A line that `take` gave has ended. It is under way until `written`.
  store_changes done(const job_line& line, const line_outcome& outcome);
  /// What `done` returned about this line is on the disk.
  void written(uint32_t line);

  /// These lines are in a part that an earlier process chose.
  void restored(const std::vector<uint32_t>& lines);
  /// These lines had been in a part that was given up before.
  void keep_here(uint32_t line) { kept_here_.insert(line); }
  /// Whether the line may be in a part: those that came back from one are executed here.
  bool may_leave(uint32_t line) const { return kept_here_.count(line) == 0; }
  /// Lines of a part that have no result come back: to be executed here, unless the batch is
  /// ending.
  store_changes taken_back(const std::vector<uint32_t>& lines);
  /// Lines of a part that turned out to have a result from before.
  void known_done(const std::vector<uint32_t>& lines) { release(lines); }
  /// Whether every line that is left has been taken.
  bool all_taken() const { return exhausted_ && !fetching_ && lines_.empty(); }

  /// Executes no further line. Nothing where that is so already.
  store_changes cancel(int64_t now);
  /// Time is up. Nothing where it is ending already.
  store_changes expire(int64_t now);
  bool due(int64_t now) const;

  /// The batch is over when nothing is left and nothing under way: its last step, or nothing.
  store_changes settle(int64_t now);

  uint32_t under_way() const { return under_way_; }

private:
  store_changes kept() const;
  store_changes ended() const;
  void drop_lines();
  void release(const std::vector<uint32_t>& lines);

  batch_object batch_;
  std::deque<job_line> lines_;
  std::string after_; ///< key of the last line that was fetched
  bool fetching_ = false;
  bool outdated_ = false;  ///< the page that is being fetched is not wanted any more
  bool exhausted_ = false; ///< no line is left that was not fetched
  uint32_t under_way_ = 0;
  std::unordered_set<uint32_t> held_;      ///< at hand or under way: not to be fetched again
  std::unordered_set<uint32_t> kept_here_; ///< not to be handed over again
};

} // namespace sluice
