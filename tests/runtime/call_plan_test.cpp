#include "runtime/call_plan.hpp"

#include "tests/support/random_test.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace sluice {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;
using kind = next_step::kind;

const steady_time now{1h};
const deadline in_ten_minutes{now + 10min};

failure failed(ec code, milliseconds retry_after = -1ms) {
  failure why;
  why.code = code;
  why.retry_after = retry_after;
  return why;
}

next_step plan(const failure& why, call_progress progress = {0, 2, 1},
               deadline until = in_ten_minutes, uint64_t random = 0) {
  return after_failure(why, progress, {}, until, now, random);
}

TEST(call_plan_test, has_a_remedy_for_every_code) {
  const std::vector<std::pair<ec, kind>> table{
      {ec::upstream_rate_limited, kind::retry},   {ec::upstream_failed, kind::retry},
      {ec::upstream_unreachable, kind::retry},    {ec::upstream_bad_response, kind::retry},
      {ec::upstream_stream_cut, kind::retry},     {ec::upstream_timeout, kind::fallback},
      {ec::upstream_unavailable, kind::fallback}, {ec::overloaded, kind::fallback},
  };
  for (auto& row : ec_table()) {
    auto found = std::ranges::find(table, row.code, &std::pair<ec, kind>::first);
    auto expected = found == table.end() ? kind::give_up : found->second;
    auto step = plan(failed(row.code));
    EXPECT_EQ(step.what, expected) << row.name;
    EXPECT_FALSE(step.reason.empty()) << row.name;
  }
}

TEST(call_plan_test, gives_up_where_there_is_no_other_deployment) {
  EXPECT_EQ(plan(failed(ec::upstream_timeout), {1, 2, 1}).what, kind::give_up);
  EXPECT_EQ(plan(failed(ec::upstream_timeout), {0, 1, 1}).what, kind::give_up);
  EXPECT_EQ(plan(failed(ec::upstream_timeout), {0, 2, 1}).what, kind::fallback);
}

TEST(call_plan_test, retries_up_to_the_bound_then_falls_back) {
  retry_settings settings;
  settings.attempts_max = 2;
  auto at = [&](uint32_t attempts, uint32_t candidates) {
    return after_failure(failed(ec::upstream_failed), {0, candidates, attempts}, settings,
                         in_ten_minutes, now, 0)
        .what;
  };
  EXPECT_EQ(at(1, 2), kind::retry);
  EXPECT_EQ(at(2, 2), kind::fallback);
  EXPECT_EQ(at(2, 1), kind::give_up);
}

TEST(call_plan_test, heeds_what_the_upstream_says_of_retrying) {
  auto told = [](ec code, bool retry) {
    auto why = failed(code);
    why.should_retry_said = true;
    why.should_retry = retry;
    return plan(why).what;
  };
  EXPECT_EQ(told(ec::upstream_rate_limited, false), kind::fallback);
  EXPECT_EQ(told(ec::upstream_failed, false), kind::fallback);
  EXPECT_EQ(told(ec::upstream_rejected, true), kind::retry);
  EXPECT_EQ(told(ec::upstream_rejected, false), kind::give_up);
}

TEST(call_plan_test, tries_another_deployment_where_the_provider_refuses_us) {
  for (int32_t status : {400, 401, 403, 404, 422}) {
    auto why = failed(ec::upstream_rejected);
    why.upstream_status = status;
    auto ours = status == 401 || status == 403 || status == 404;
    EXPECT_EQ(plan(why).what, ours ? kind::fallback : kind::give_up) << status;
  }
}

TEST(call_plan_test, waits_as_long_as_the_upstream_asked) {
  EXPECT_EQ(plan(failed(ec::upstream_rate_limited, 1'234ms)).delay, 1'234ms);
  EXPECT_EQ(plan(failed(ec::upstream_rate_limited, 0ms)).what, kind::retry);
  EXPECT_EQ(plan(failed(ec::upstream_rate_limited, 0ms)).delay, 0ms);
}

TEST(call_plan_test, falls_back_where_the_upstream_asks_for_too_long) {
  auto most = retry_settings{}.retry_after_max;
  EXPECT_EQ(plan(failed(ec::upstream_rate_limited, most)).what, kind::retry);
  EXPECT_EQ(plan(failed(ec::upstream_rate_limited, most + 1ms)).what, kind::fallback);
  auto forever = milliseconds{std::numeric_limits<int64_t>::max()};
  EXPECT_EQ(plan(failed(ec::upstream_rate_limited, forever)).what, kind::fallback);
}

TEST(call_plan_test, does_nothing_after_the_deadline) {
  deadline passed{now};
  EXPECT_EQ(plan(failed(ec::upstream_failed), {0, 2, 1}, passed).what, kind::give_up);
  EXPECT_EQ(plan(failed(ec::upstream_timeout), {0, 2, 1}, passed).what, kind::give_up);
  deadline soon{now + 100ms};
  EXPECT_EQ(plan(failed(ec::upstream_failed, 99ms), {0, 2, 1}, soon).what, kind::retry);
  EXPECT_EQ(plan(failed(ec::upstream_failed, 100ms), {0, 2, 1}, soon).what, kind::fallback);
}

class call_plan_random_test : public test::random_test {};

TEST_F(call_plan_random_test, backs_off_between_zero_and_a_doubling_bound) {
  retry_settings settings;
  settings.attempts_max = 100;
  settings.backoff_base = 100ms;
  settings.backoff_max = 1'500ms;
  const milliseconds bounds[] = {100ms, 200ms, 400ms, 800ms, 1'500ms, 1'500ms};
  for (uint32_t attempts = 1; attempts <= 6; ++attempts) {
    auto bound = bounds[attempts - 1];
    auto longest = 0ms;
    auto shortest = bound;
    for (int i = 0; i < 2'000; ++i) {
      auto step = after_failure(failed(ec::upstream_failed), {0, 1, attempts}, settings,
                                in_ten_minutes, now, random());
      ASSERT_EQ(step.what, kind::retry);
      longest = std::max(longest, step.delay);
      shortest = std::min(shortest, step.delay);
    }
    EXPECT_GE(shortest, 0ms);
    EXPECT_LE(longest, bound);
    // 2,000 draws miss a twentieth of the range once in 10^44.
    EXPECT_LT(shortest, bound / 20) << "full jitter begins at zero";
    EXPECT_GT(longest, bound - bound / 20) << "and goes up to the bound";
  }
}

TEST_F(call_plan_random_test, never_plans_beyond_the_deadline) {
  for (int i = 0; i < 20'000; ++i) {
    auto code = ec_table()[below(ec_table().size())].code;
    auto why = failed(code, milliseconds{static_cast<int64_t>(below(30'000)) - 1'000});
    why.should_retry_said = below(2) == 0;
    why.should_retry = below(2) == 0;
    deadline until{now + milliseconds{static_cast<int64_t>(below(10'000)) - 1'000}};
    call_progress progress{static_cast<uint32_t>(below(3)), 3, static_cast<uint32_t>(below(5)) + 1};
    auto step = after_failure(why, progress, {}, until, now, random());
    EXPECT_GE(step.delay, 0ms);
    if (step.what != kind::give_up) {
      EXPECT_LT(now + step.delay, until.at);
    }
    if (step.what == kind::fallback) {
      EXPECT_LT(progress.candidate + 1, progress.candidates);
    }
  }
}

} // namespace
} // namespace sluice
