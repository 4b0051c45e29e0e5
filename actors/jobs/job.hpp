#pragma once

#include "actors/jobs/job_records.hpp"

#include <caf/error.hpp>

#include <deque>
#include <optional>
#include <string>

namespace sluice {

/// How a line ended.
struct line_outcome {
  std::string text;      ///< the line of the output or error file, its end included
  bool answered = false; ///< for the output file
  job_charge charge;
};

/// A batch that is not over. Every step returns the changes that make it last, to be written in one
/// go; the step counts once they are on the disk.
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
  /// What `done` returned is on the disk.
  void written() { --under_way_; }

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

  batch_object batch_;
  std::deque<job_line> lines_;
  std::string after_; ///< key of the last line that was fetched
  bool fetching_ = false;
  bool outdated_ = false;  ///< the page that is being fetched is not wanted any more
  bool exhausted_ = false; ///< no line is left that was not fetched
  uint32_t under_way_ = 0;
};

} // namespace sluice
