#include "actors/jobs/job_part.hpp"

#include "actors/jobs/part_requests.hpp"
#include "actors/jobs/part_results.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

part_record sample() {
  part_record x;
  x.id = "part_1";
  x.batch = "batch_1";
  x.tenant = "acme";
  x.deployment = "openai/m";
  x.provider = "openai";
  x.lines = {0, 7, 70'000};
  x.discount_percent = 50;
  x.asked_at = 1'000'000;
  x.file = "file-1";
  x.rubbish = {"file-2"};
  return x;
}

/// What another process knows of it.
job_part again(const store_changes& changes) {
  return job_part{*part_of(changes.at(0).value), false};
}

TEST(job_part_test, its_record_is_read_as_it_was_written) {
  auto x = part_of(to_record(sample()));
  ASSERT_TRUE(x);
  EXPECT_EQ(x->id, "part_1");
  EXPECT_EQ(x->lines, sample().lines);
  EXPECT_EQ(x->discount_percent, 50u);
  EXPECT_EQ(x->rubbish, sample().rubbish);
  EXPECT_FALSE(part_of("nonsense"));
}

TEST(job_part_test, looks_for_what_may_have_been_made_before_it_makes_it_again) {
  job_part first{sample(), true};
  EXPECT_EQ(first.next(false), part_action::upload);
  auto written = first.before(part_action::upload, 10);
  EXPECT_EQ(first.next(false), part_action::upload);
  auto second = again(written);
  EXPECT_EQ(second.next(false), part_action::find_upload);
  second.upload_missing();
  EXPECT_EQ(second.next(false), part_action::upload);
  written = second.uploaded("file-9");
  auto third = again(written);
  EXPECT_EQ(third.next(false), part_action::create);
  written = third.before(part_action::create, 100);
  EXPECT_EQ(third.next(false), part_action::create);
  auto fourth = again(written);
  EXPECT_EQ(fourth.next(false), part_action::find_batch);
  fourth.batch_missing(159);
  EXPECT_EQ(fourth.next(false), part_action::find_batch) << "it may be on its way";
  fourth.batch_missing(160);
  EXPECT_EQ(fourth.next(false), part_action::create);
  written = fourth.created({"batch-9", "validating", "", "", ""});
  EXPECT_EQ(fourth.next(false), part_action::poll);
  EXPECT_EQ(again(written).next(false), part_action::poll);
}

TEST(job_part_test, reads_both_files_and_removes_all) {
  job_part x{sample(), true};
  x.uploaded("file-in");
  x.created({"batch-9", "completed", "file-out", "file-err", ""});
  EXPECT_EQ(x.next(false), part_action::read);
  EXPECT_EQ(x.subject(), "file-out");
  x.file_read();
  EXPECT_EQ(x.subject(), "file-err");
  x.file_read();
  EXPECT_EQ(x.next(false), part_action::finish);
  auto next = again(x.finished());
  for (int i = 0; i < 4; ++i) { // with the one that was there before
    EXPECT_EQ(next.next(false), part_action::remove);
    next.removed();
  }
  EXPECT_EQ(next.next(false), part_action::forget);
}

TEST(job_part_test, an_ending_batch_is_cancelled_once_it_is_there) {
  job_part early{sample(), true};
  EXPECT_EQ(early.next(true), part_action::finish);
  job_part x{sample(), true};
  x.uploaded("file-in");
  EXPECT_EQ(x.next(true), part_action::finish);
  auto unsure = again(x.before(part_action::create, 1));
  EXPECT_EQ(unsure.next(true), part_action::find_batch) << "it may have to be cancelled there";
  unsure.created({"batch-9", "in_progress", "", "", ""});
  EXPECT_EQ(unsure.next(true), part_action::cancel);
  unsure.cancelled();
  EXPECT_EQ(unsure.next(true), part_action::poll);
  unsure.give_up();
  EXPECT_EQ(unsure.next(true), part_action::finish);
}

TEST(part_requests_test, names_of_the_provider_are_used_only_where_they_can_stand_in_a_path) {
  EXPECT_EQ(id_in(R"({"id":"file-abc_1"})"), "file-abc_1");
  for (auto body : {R"({"id":"../x"})", R"({"id":"a b"})", R"({"id":"a\r\nb"})", R"({"id":7})",
                    "[]", "nonsense"})
    EXPECT_EQ(id_in(body), "") << body;
  EXPECT_FALSE(batch_in(R"({"id":"batch-1"})"));
  auto x = batch_in(R"({"id":"b","status":"failed","errors":{"data":[{"message":"why"}]}})");
  ASSERT_TRUE(x);
  EXPECT_EQ(x->message, "why");
}

TEST(part_requests_test, finds_its_own_in_lists) {
  auto part = sample();
  EXPECT_EQ(*find_upload(R"({"data":[{"id":"f1","filename":"x"},
                            {"id":"f2","filename":"sluice-part_1.jsonl"}]})",
                         part)
                 .found,
            "f2");
  auto page =
      find_batch(R"({"data":[{"id":"b1","status":"x","metadata":null}],"has_more":true})", part);
  EXPECT_FALSE(page.found);
  EXPECT_EQ(page.after, "b1");
  page = find_batch(R"({"data":[{"id":"b1","status":"x","created_at":1}],"has_more":true})", part);
  EXPECT_EQ(page.after, "") << "older than ours can be";
  page = find_batch(R"({"data":[{"id":"b2","status":"x","metadata":{"sluice_part":"part_1"}}]})",
                    part);
  ASSERT_TRUE(page.found);
  EXPECT_EQ(page.found->id, "b2");
}

std::vector<part_result> read(const std::string& text, size_t step, uint64_t line_max = 1'000) {
  part_results reader{line_max};
  std::vector<part_result> result;
  for (size_t i = 0; i < text.size(); i += step)
    reader.feed(std::string_view{text}.substr(i, step), result);
  reader.finish(result);
  return result;
}

TEST(part_results_test, reads_lines_wherever_they_were_cut) {
  std::string text = R"({"custom_id":"4","response":{"status_code":200,"body":{"a": 1.50,"usage":)"
                     R"({"prompt_tokens":3,"completion_tokens":2}}},"error":null})"
                     "\n\nnonsense\n"
                     R"({"custom_id":"5","response":{"status_code":400,"body":{"error":{}}}})"
                     "\n"
                     R"({"custom_id":"6","response":{"status_code":429,"body":{}}})"
                     "\n"
                     R"({"custom_id":"7","response":null,"error":{"code":"batch_expired"}})"
                     "\n"
                     R"({"custom_id":"theirs","response":{"status_code":200,"body":{}}})"
                     "\n"
                     R"({"custom_id":"8","response":{"status_code":200,"body":{}}})";
  for (size_t step : {size_t{1}, size_t{7}, text.size()}) {
    auto x = read(text, step);
    ASSERT_EQ(x.size(), 5u);
    EXPECT_EQ(x[0].number, 4u);
    EXPECT_EQ(x[0].what, part_result::kind::answered);
    EXPECT_EQ(x[0].body, R"({"a": 1.50,"usage":{"prompt_tokens":3,"completion_tokens":2}})");
    EXPECT_EQ(x[0].usage, (token_usage{3, 0, 0, 2, 0}));
    EXPECT_EQ(x[1].what, part_result::kind::refused);
    EXPECT_EQ(x[1].status, 400);
    EXPECT_EQ(x[2].what, part_result::kind::again);
    EXPECT_EQ(x[3].what, part_result::kind::again);
    EXPECT_EQ(x[4].number, 8u);
    EXPECT_FALSE(x[4].usage_known);
  }
}

TEST(part_results_test, passes_over_a_line_that_is_too_long) {
  auto text = R"({"custom_id":"1","x":")" + std::string(200, 'x') + "\"}\n" +
              R"({"custom_id":"2","response":null})" + "\n";
  for (size_t step : {size_t{1}, size_t{50}, text.size()}) {
    auto x = read(text, step, 100);
    ASSERT_EQ(x.size(), 1u);
    EXPECT_EQ(x[0].number, 2u);
  }
}

} // namespace
} // namespace sluice
