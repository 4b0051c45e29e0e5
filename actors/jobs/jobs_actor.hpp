#pragma once

#include "actors/jobs/input_check.hpp"
#include "actors/jobs/job.hpp"
#include "actors/jobs/job_turns.hpp"
#include "actors/jobs/part_run.hpp"
#include "runtime/actors.hpp"
#include "runtime/call_plan.hpp"
#include "runtime/call_targets.hpp"
#include "runtime/charge_desk.hpp"
#include "runtime/configuration.hpp"
#include "runtime/log.hpp"

#include <caf/typed_response_promise.hpp>

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <unordered_map>

namespace sluice {

/// What the jobs need from the composition root.
struct jobs_setup {
  std::shared_ptr<const configuration> settings;
  store_actor store;
  router_actor router;
  monitor_actor monitor; ///< may be null
  ledger_actor ledger;   ///< may be null: then nothing is charged
  call_targets targets;
  std::shared_ptr<node_log> log;         ///< may be null
  std::function<uint32_t()> interactive; ///< requests in work on the node now
  std::function<wall_time()> wall;       ///< the time of day
  /// In the high 16 bits of call numbers and as the loop in reports: no loop's.
  uint16_t number = 0xfffe;
};

/// Said by the jobs to themselves.
using job_tick_atom = caf::atom_constant<caf::atom("jobtick")>;
using ticking_jobs_actor = jobs_actor::extend<
    // What the ledger says of charges of lines.
    caf::reacts_to<ledger_verdicts>,
    // It is time to look around.
    caf::reacts_to<job_tick_atom>>;

/// What the jobs actor does; its members stand in `jobs_actor*.cpp`, by what they are about.
class jobs_desk {
public:
  jobs_desk(ticking_jobs_actor::pointer self, jobs_setup setup);

  void load();
  void tick();
  void stop(const drain& x);

  // Files.
  caf::result<file_object> upload(file_upload& x);
  caf::result<file_object> find(const file_query& x);
  caf::result<file_object> remove(const file_removal& x);
  caf::result<file_page> list(const file_list_query& x);
  caf::result<file_content> content(const file_content_query& x);

  // Batches.
  caf::result<batch_object> create(batch_creation& x);
  caf::result<batch_object> find(const batch_query& x);
  caf::result<batch_page> list(const batch_list_query& x);
  caf::result<batch_object> cancel(const batch_cancellation& x);

  // What upstreams answer.
  void on_reply(upstream_reply& x);
  void on_failure(upstream_failure& x);
  void on_block(stream_block& x);
  void on_end(stream_end& x);

  // What the ledger answers.
  void on_verdicts(const ledger_verdicts& x);

private:
  /// A batch that is not over.
  struct active {
    explicit active(batch_object x) : state(std::move(x)) {}

    job state;
    std::unique_ptr<input_check> check; ///< while its input file is read
    uint64_t checked_bytes = 0;
    steady_time paused_until{};
    std::chrono::milliseconds pause{0};             ///< the last one; zero after an answer
    std::map<std::string, part_gathering> gathered; ///< by deployment
  };

  /// A line that is being executed.
  struct run {
    std::string batch;
    job_line line;
    std::vector<candidate> candidates;
    call_progress progress;
    deadline until;
    steady_time started{};
    steady_time due{};      ///< of the next attempt, where none is under way
    uint64_t call = 0;      ///< under way; 0 where none
    bool reserving = false; ///< the ledger is asked for `reservation`
    uint64_t reservation = 0;
    charge_id charge{}; ///< of the call under way
    bool ended = false; ///< its result is being written
    const deployment* to = nullptr;
    request_record record;
  };

  struct uploading;
  struct file_listing;

  template <class T>
  using promise = caf::typed_response_promise<T>;

  // The store.
  template <class Done, class Failed>
  void write(store_changes changes, Done done, Failed failed);
  template <class Done>
  void write(store_changes changes, Done done) {
    write(std::move(changes), std::move(done), [](const caf::error&) {});
  }
  template <class Answer, class Query, class Done>
  void ask(Query query, Done done);
  template <class Each, class Done>
  void walk_lines(const std::string& part, std::string after, Each each, Done done);
  template <class T>
  void fail(promise<T>& to, const caf::error& why);
  void break_down(const caf::error& why);
  void when_loaded(std::function<void()> f);
  void load_total();
  template <class Each>
  void load_all(std::string prefix, std::string after, Each each);
  void load_batch(const std::string& tenant, const std::string& id);
  void adopt_parts();
  void clear_uploads();
  void loaded();

  // Files.
  void upload_next(const std::shared_ptr<uploading>& x);
  void list_next(const std::shared_ptr<file_listing>& x);
  store_change total() const { return put(total_key(), to_record(total_)); }

  // Batches.
  void create_over(const file_object& input, batch_creation& x, promise<batch_object> answer);
  void cancel_active(active& x, promise<batch_object> answer);
  active* find_active(const std::string& id);
  active& add(batch_object x);
  void begin_check(active& x);
  void check_next(const std::string& id, std::string after);
  void checked(active& x, store_changes changes);
  void fetch(active& x);
  void settle(active& x);
  void pump();
  bool crowded() const;

  // Lines.
  request_record record_of(const batch_object& batch, uint32_t line) const;
  void start(active& of, job_line line);
  void begin(uint64_t id);
  void call(uint64_t id);
  void charge(uint64_t id);
  void on_charged(uint64_t id, const charge_verdict& verdict);
  bool ask_cheaper(uint64_t id);
  void send_call(uint64_t id);
  void settle(uint64_t id, const charge_outcome& outcome, line_outcome&& answer);
  nanousd most_of(const run& x, const deployment& to) const;
  void lost(uint64_t id, const failure& why);
  void refuse(uint64_t id, const failure& why);
  void put_back(uint64_t id, const failure& why);
  void end(uint64_t id, line_outcome outcome, uint16_t status, ec error);
  void report(request_record&& record);
  run* run_of(uint64_t call);
  void leave_call(run& x);

  // Parts at providers.
  const provider_settings* provider_of(const std::string& name) const;
  bool leaves(const active& of, const job_line& line, const deployment& to) const;
  void gather(uint64_t id, const deployment& to);
  void gathered(active& x);
  void choose(active& of, const std::string& deployment, part_gathering&& lines);
  part_run* find_part(const std::string& id);
  void drive(const std::string& id);
  bool may_upload(const part_run& x) const;
  void prepare(part_run& x, part_action action);
  void build_upload(part_run& x);
  void ask_provider(part_run& x, part_action action, shared_body body);
  void part_answered(part_run& x, const std::string& body);
  void part_found(part_run& x, const std::string& body);
  void part_failed(part_run& x, const failure& why);
  void part_refused(part_run& x, const failure& why);
  void part_wrote(part_run& x, store_changes changes);
  void finish_part(part_run& x);
  void leave_part_call(part_run& x);
  part_run* part_of_call(uint64_t call);
  void log_part(const part_run& x, const std::string& what);

  // Their results.
  void read_results(part_run& x);
  void load_names(part_run& x);
  void take_results(part_run& x);
  request_record record_of(const active& of, const part_run& x, const part_line& line,
                           const part_result& result) const;

  // Figures.
  void count_line(const std::string& way, bool answered, nanousd cost);
  void count_end(const batch_object& x);
  void tell();

  // Time.
  int64_t now_seconds() const;
  steady_time now() const { return self_->clock().now(); }
  void arm();
  void quit_when_done();
  std::string make_id(std::string_view prefix);
  const jobs_settings& limits() const { return setup_.settings->jobs; }

  ticking_jobs_actor::pointer self_;
  jobs_setup setup_;
  std::mt19937_64 random_;
  int64_t id_time_ = 0; ///< of the last id, so that the next one is greater
  std::map<std::string, std::unique_ptr<active>> active_;
  job_turns turns_;
  charge_desk charges_;
  std::map<uint64_t, run> runs_;
  std::unordered_map<uint64_t, uint64_t> calls_; ///< call to run
  uint64_t run_next_ = 1;
  uint64_t call_next_ = 0;
  uint64_t total_ = 0;             ///< weight of all files
  uint64_t uploading_ = 0;         ///< weight of those that are being written
  std::set<std::string> removing_; ///< files
  std::map<std::string, std::unique_ptr<part_run>> parts_;
  std::unordered_map<uint64_t, std::string> part_calls_; ///< call to part
  std::set<std::string> without_endpoint_;               ///< providers that turned out to be
  std::string building_;                                 ///< the part whose file is in memory
  std::vector<std::pair<std::string, uint32_t>> loaded_kept_here_;
  jobs_report figures_;
  bool untold_ = false;
  steady_time tell_due_{};
  uint32_t asked_ = 0; ///< of the store, not answered
  uint32_t loading_ = 0;
  bool loaded_ = false;
  std::vector<std::function<void()>> waiting_; ///< for `loaded_`
  caf::error broken_;
  bool ticking_ = false;
  bool draining_ = false;
  deadline drain_until_{};
};

struct jobs_state {
  static inline constexpr const char* name = "jobs";
  std::unique_ptr<jobs_desk> desk;
};

/// Spawned by the composition root, once a node, on a thread of its own: it reads input files of
/// hundreds of megabytes, which would hold up the loop that woke it. Owns the batches that are not
/// over, their lines under way, at most `jobs.calls_max`, and their parts at providers, of which
/// one at a time has its file in memory; everything else is in the store. When an upstream dies its
/// calls run into their deadlines; when the router dies lines fail as internal errors; when the
/// store fails it executes nothing more and answers `storage_failed`, for a line whose result
/// cannot be kept would be paid for twice. Stops at `drain`: lines under way may end until the
/// deadline, those that do not are executed again at the next start.
ticking_jobs_actor::behavior_type jobs(ticking_jobs_actor::stateful_pointer<jobs_state> self,
                                       jobs_setup setup);

} // namespace sluice
