#include "api/gateway/job_json.hpp"
#include "api/gateway/job_paths.hpp"
#include "api/gateway/routes.hpp"

#include <caf/all.hpp>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace sluice {
namespace {

TEST(job_paths_test, know_what_is_asked) {
  auto what = [](std::string_view method, std::string_view path) {
    auto x = match_job_path(method, path);
    return x ? std::optional{x->what} : std::nullopt;
  };
  EXPECT_EQ(what("POST", "/v1/files"), job_operation::upload_file);
  EXPECT_EQ(what("GET", "/v1/files"), job_operation::list_files);
  EXPECT_EQ(what("GET", "/v1/files/file-1"), job_operation::find_file);
  EXPECT_EQ(what("DELETE", "/v1/files/file-1"), job_operation::remove_file);
  EXPECT_EQ(what("GET", "/v1/files/file-1/content"), job_operation::read_file);
  EXPECT_EQ(what("POST", "/v1/batches"), job_operation::create_batch);
  EXPECT_EQ(what("GET", "/v1/batches"), job_operation::list_batches);
  EXPECT_EQ(what("GET", "/v1/batches/batch_1"), job_operation::find_batch);
  EXPECT_EQ(what("POST", "/v1/batches/batch_1/cancel"), job_operation::cancel_batch);
  EXPECT_EQ(what("PUT", "/v1/files"), job_operation::none);
  EXPECT_EQ(what("POST", "/v1/files/file-1"), job_operation::none);
  EXPECT_EQ(what("GET", "/v1/files/"), std::nullopt);
  EXPECT_EQ(what("GET", "/v1/files/a/b"), std::nullopt);
  EXPECT_EQ(what("GET", "/v1/files//content"), std::nullopt);
  EXPECT_EQ(what("GET", "/v1/filesystem"), std::nullopt);
  EXPECT_EQ(match_job_path("GET", "/v1/files/file-1/content")->id, "file-1");
}

TEST(job_paths_test, are_routes_of_the_gateway) {
  auto route = match_route("HEAD", "/v1/files/file-1/content");
  EXPECT_EQ(route.what, route_match::target::jobs);
  EXPECT_EQ(route.name, "/v1/files/{id}/content");
  EXPECT_EQ(route.job.what, job_operation::read_file);
  route = match_route("PATCH", "/v1/batches/batch_1");
  EXPECT_EQ(route.what, route_match::target::wrong_method);
  EXPECT_EQ(route.allow, "GET");
}

TEST(job_json_test, reads_a_creation) {
  auto x = read_batch_creation(R"({"input_file_id":"file-1","endpoint":"/v1/embeddings",
      "completion_window":"24h","metadata":{"a":"b"},"output_expires_after":null})");
  ASSERT_TRUE(x) << message_of(x.error());
  EXPECT_EQ(x->input_file_id, "file-1");
  EXPECT_EQ(x->kind, endpoint::embeddings);
  EXPECT_EQ(x->metadata, R"({"a":"b"})");
}

TEST(job_json_test, says_what_is_wrong_with_a_creation) {
  auto param = [](const std::string& body) {
    auto x = read_batch_creation(body);
    return x ? "none" : std::string{to_string_view(code_of(x.error()))} + " " + param_of(x.error());
  };
  EXPECT_EQ(param("nonsense"), "invalid_json ");
  EXPECT_EQ(param("{}"), "missing_required_parameter input_file_id");
  EXPECT_EQ(param(R"({"input_file_id":"f"})"), "missing_required_parameter endpoint");
  EXPECT_EQ(param(R"({"input_file_id":"f","endpoint":"/v1/x","completion_window":"24h"})"),
            "invalid_value endpoint");
  auto with = [](const std::string& more) {
    return R"({"input_file_id":"f","endpoint":"/v1/chat/completions",)" + more + "}";
  };
  EXPECT_EQ(param(with(R"("completion_window":"1h")")), "invalid_value completion_window");
  EXPECT_EQ(param(with(R"("completion_window":"24h","metadata":{"a":1})")),
            "invalid_value metadata");
  EXPECT_EQ(param(with(R"("completion_window":"24h","output_expires_after":{})")),
            "invalid_value output_expires_after");
}

TEST(job_json_test, writes_a_batch_as_openai_does) {
  batch_object x;
  x.id = "batch_1";
  x.status = batch_status::in_progress;
  x.output_file_id = "file-2";
  x.output_bytes = 7;
  x.usage = {1, 2, 0, 3, 4};
  x.errors = {{"c", "m", "", 3}};
  auto json = nlohmann::json::parse(batch_body(x));
  EXPECT_EQ(json["object"], "batch");
  EXPECT_EQ(json["endpoint"], "/v1/chat/completions");
  EXPECT_TRUE(json["output_file_id"].is_null()) << "before it is over";
  EXPECT_TRUE(json["completed_at"].is_null());
  EXPECT_EQ(json["usage"]["total_tokens"], 10);
  EXPECT_EQ(json["errors"]["data"][0]["line"], 3);
  x.status = batch_status::completed;
  json = nlohmann::json::parse(batch_list_body({{x}, true}));
  EXPECT_EQ(json["data"][0]["output_file_id"], "file-2");
  EXPECT_TRUE(json["data"][0]["error_file_id"].is_null());
  EXPECT_EQ(json["first_id"], "batch_1");
  EXPECT_TRUE(json["has_more"]);
}

} // namespace
} // namespace sluice
