#pragma once

#include "runtime/messages.hpp"
#include "runtime/store_key.hpp"
#include "runtime/store_messages.hpp"

#include <caf/expected.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

/// How far a part has come; stored, so append only.
enum class part_state : uint8_t {
  chosen,    ///< its lines are set; the provider knows nothing
  uploading, ///< its file may be there
  uploaded,  ///< its file is there
  creating,  ///< its batch may be there
  running,   ///< its batch is there
  clearing,  ///< it has no lines any more; its files are to be removed there
};

/// Lines of a batch that a provider executes as a batch of its own.
struct part_record {
  std::string id; ///< in the metadata of the provider's batch: of all parts there ever were
  std::string batch;
  std::string tenant;
  std::string deployment;
  std::string provider;
  endpoint kind = endpoint::chat_completions;
  part_state state = part_state::chosen;
  std::vector<uint32_t> lines; ///< their numbers, in order
  uint32_t discount_percent = 0;
  int64_t chosen_at = 0;
  int64_t asked_at = 0; ///< when `creating` was written; 0 before
  std::string file;     ///< the provider's name of the input; empty where it is not known
  std::string remote;   ///< of its batch; likewise
  std::vector<std::string> rubbish; ///< files there that nobody needs any more
};

inline std::string parts_prefix() {
  return store_key{"jq"};
}
inline std::string part_key(const std::string& batch, const std::string& part) {
  return store_key{"jq"}.id(batch).id(part);
}

std::string to_record(const part_record& x);
/// Fails with `storage_failed`.
caf::expected<part_record> part_of(const std::string& record);

/// The provider's word on a batch of ours.
struct remote_batch {
  std::string id;
  std::string status;
  std::string output_file;
  std::string error_file;
  std::string message; ///< of the first of its errors
};

/// What is to be done about a part.
enum class part_action : uint8_t {
  upload,      ///< POST files
  find_upload, ///< GET files: is ours there?
  create,      ///< POST batches
  find_batch,  ///< GET batches: is ours there?
  poll,        ///< GET batches/ID
  cancel,      ///< POST batches/ID/cancel
  read,        ///< GET files/ID/content
  finish,      ///< nothing there: what has no result goes back to the batch
  remove,      ///< DELETE files/ID
  forget,      ///< nothing there: it is over
};

/// The way of a part through a provider. Before each call that makes something there, a record says
/// that it may have been made; what is not known after a crash or a lost reply is looked for under
/// the part's name before it is made again. So a part has one batch there, whenever the process
/// died.
///
/// | state | asked of the provider | next |
/// | --- | --- | --- |
/// | chosen | — | uploading |
/// | uploading | upload; where the last one's end is not known: find_upload | uploaded |
/// | uploaded | — | creating |
/// | creating | create; where the last one's end is not known: find_batch | running |
/// | running | poll until it is over; cancel where our batch ends; read its files | clearing |
/// | clearing | remove its files | gone |
///
/// A part that is given up, or whose batch ends before it was created, goes straight to clearing.
/// Steps return the changes that make them last.
class job_part {
public:
  /// `known`: it was chosen by this process, which therefore knows what it asked.
  job_part(part_record x, bool known) : part_(std::move(x)), sure_(known) {}

  const part_record& record() const { return part_; }
  part_state state() const { return part_.state; }
  /// Whether it counts as being at the provider.
  bool there() const {
    return part_.state != part_state::chosen && part_.state != part_state::clearing;
  }

  /// What is next. `ending`: its batch is cancelled or its time is up.
  part_action next(bool ending) const;
  /// To be on the disk before the call for `x` is made; empty where nothing new is to be known.
  store_changes before(part_action x, int64_t now);

  store_changes uploaded(std::string file);
  store_changes upload_missing();
  store_changes created(const remote_batch& x);
  /// The provider has no such batch: it may still be on its way there for a while.
  void batch_missing(int64_t now);
  void seen(const remote_batch& x);
  void cancelled() { cancelled_ = true; }
  /// The file that `read` was about has been read to its end.
  void file_read();
  /// The file that `read` or `remove` is about.
  const std::string& subject() const;
  /// It is not known whether the call under way was heard.
  void lost() { sure_ = false; }
  /// The provider does not do it.
  void give_up() { given_up_ = true; }
  /// No line is left to it.
  store_changes finished();
  store_changes removed();
  store_changes forgotten() const { return {erase(part_key(part_.batch, part_.id))}; }

private:
  store_changes kept() const { return {put(part_key(part_.batch, part_.id), to_record(part_))}; }
  bool over_there() const;

  part_record part_;
  bool sure_; ///< what is there of it is what the record says
  bool given_up_ = false;
  bool cancelled_ = false;
  remote_batch seen_;
  std::vector<std::string> unread_; ///< files with results
};

} // namespace sluice
