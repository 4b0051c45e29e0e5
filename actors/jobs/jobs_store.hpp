#pragma once

#include "actors/jobs/jobs_actor.hpp"

#include <algorithm>

/// How the desk talks to the store; for `jobs_actor*.cpp`.
namespace sluice {

/// A disk that takes longer does not come back.
inline constexpr std::chrono::minutes store_patience{5};

/// Of one reading of a batch's lines.
inline constexpr uint32_t walk_lines_max = 256;
inline constexpr uint64_t walk_bytes_max = 2 * 1024 * 1024;

/// The key behind which the lines of a part begin.
inline std::string before_lines(const part_record& part) {
  auto first = part.lines.empty() ? 0 : part.lines.front();
  return first == 0 ? std::string{} : line_key(part.batch, first - 1);
}

/// Makes `changes` and calls `done`; or `failed` with what is wrong, after which nothing more is
/// executed.
template <class Done, class Failed>
void jobs_desk::write(store_changes changes, Done done, Failed failed) {
  ++asked_;
  self_->request(setup_.store, store_patience, store_write{std::move(changes)})
      .then(
          [this, done](const store_written&) mutable {
            --asked_;
            done();
            quit_when_done();
          },
          [this, failed](const caf::error& error) mutable {
            --asked_;
            break_down(error);
            failed(broken_);
            quit_when_done();
          });
}

/// Asks the store and calls `done` with the answer or the error.
template <class Answer, class Query, class Done>
void jobs_desk::ask(Query query, Done done) {
  ++asked_;
  self_->request(setup_.store, store_patience, std::move(query))
      .then(
          [this, done](Answer& answer) mutable {
            --asked_;
            done(caf::expected<Answer>{std::move(answer)});
            quit_when_done();
          },
          [this, done](const caf::error& error) mutable {
            --asked_;
            auto why = error.category() == ec_category
                           ? error
                           : make_error(ec::storage_failed, "The storage does not answer.");
            done(caf::expected<Answer>{why});
            quit_when_done();
          });
}

/// Reads the lines of a part page by page: `each` gets those that still stand in the store, with
/// the part, which is busy until `done`.
template <class Each, class Done>
void jobs_desk::walk_lines(const std::string& part, std::string after, Each each, Done done) {
  store_scan scan;
  scan.prefix = lines_prefix(find_part(part)->state.record().batch);
  scan.after = std::move(after);
  scan.limit = walk_lines_max;
  scan.bytes_max = walk_bytes_max;
  ask<store_page>(std::move(scan), [this, part, each, done](caf::expected<store_page> page) {
    if (!page)
      return break_down(page.error());
    auto& x = *find_part(part);
    auto& numbers = x.state.record().lines;
    auto last = numbers.empty() ? 0 : numbers.back();
    auto more = page->more;
    for (auto& entry : page->entries) {
      auto line = line_of(entry);
      if (!line)
        return break_down(line.error());
      more = more && line->number < last;
      if (std::binary_search(numbers.begin(), numbers.end(), line->number))
        each(x, std::move(*line));
    }
    if (more)
      return walk_lines(part, page->entries.back().key, each, done);
    done(x);
  });
}

template <class T>
void jobs_desk::fail(promise<T>& to, const caf::error& why) {
  to.deliver(why);
}

} // namespace sluice
