#pragma once

#include "actors/jobs/jobs_actor.hpp"

/// How the desk talks to the store; for `jobs_actor*.cpp`.
namespace sluice {

/// A disk that takes longer does not come back.
inline constexpr std::chrono::minutes store_patience{5};

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

template <class T>
void jobs_desk::fail(promise<T>& to, const caf::error& why) {
  to.deliver(why);
}

} // namespace sluice
