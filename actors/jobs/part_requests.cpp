#include "actors/jobs/part_requests.hpp"

#include "actors/jobs/job_line.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace sluice {

namespace {

using json = nlohmann::json;

/// Their clock and ours may differ by so much.
constexpr int64_t clock_slack_seconds = 3'600;

constexpr const char* part_name = "sluice_part";
constexpr const char* batch_name = "sluice_batch";

std::string text_of(const json& from, const char* name) {
  auto found = from.find(name);
  return found != from.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

/// An id that may be put into a path.
std::string id_of(const json& from, const char* name) {
  auto text = text_of(from, name);
  auto plain = text.size() <= 256 && std::all_of(text.begin(), text.end(), [](char c) {
                 return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '_';
               });
  return plain ? text : std::string{};
}

json parsed(const std::string& body) {
  auto result = json::parse(body, nullptr, false);
  return result.is_object() ? result : json::object();
}

std::string first_error_of(const json& batch) {
  auto errors = batch.find("errors");
  if (errors == batch.end() || !errors->is_object())
    return {};
  auto data = errors->find("data");
  if (data == errors->end() || !data->is_array() || data->empty() || !data->front().is_object())
    return {};
  return text_of(data->front(), "message");
}

std::optional<remote_batch> batch_of_json(const json& x) {
  remote_batch result;
  result.id = id_of(x, "id");
  result.status = text_of(x, "status");
  if (result.id.empty() || result.status.empty())
    return std::nullopt;
  result.output_file = id_of(x, "output_file_id");
  result.error_file = id_of(x, "error_file_id");
  result.message = first_error_of(x);
  return result;
}

/// Calls `f` with the objects of a page until it says true.
template <class F>
std::string each_of_page(const json& page, F f) {
  auto data = page.find("data");
  if (data == page.end() || !data->is_array() || data->empty())
    return {};
  for (auto& x : *data)
    if (x.is_object() && f(x))
      return {};
  auto more = page.find("has_more");
  if (more == page.end() || *more != true || !data->back().is_object())
    return {};
  return id_of(data->back(), "id");
}

} // namespace

void append_part_line(std::string& to, const job_line& line, endpoint kind,
                      std::string_view model) {
  to.append(R"({"custom_id":")").append(std::to_string(line.number));
  to.append(R"(","method":"POST","url":"/v1/)").append(path_of(kind)).append(R"(","body":)");
  to.append(body_for(line, model)).append("}\n");
}

std::string upload_name(const part_record& part) {
  return "sluice-" + part.id + ".jsonl";
}

std::string upload_head(const part_record& part) {
  std::string result;
  auto begin = [&](std::string_view disposition) {
    result.append("--").append(form_boundary);
    result.append("\r\nContent-Disposition: form-data; ").append(disposition).append("\r\n");
  };
  begin(R"(name="purpose")");
  result.append("\r\nbatch\r\n");
  begin(R"(name="file"; filename=")" + upload_name(part) + "\"");
  result.append("Content-Type: application/jsonl\r\n\r\n");
  return result;
}

std::string upload_tail() {
  return "\r\n--" + std::string{form_boundary} + "--\r\n";
}

std::string creation_body(const part_record& part) {
  return json{{"input_file_id", part.file},
              {"endpoint", "/v1/" + std::string{path_of(part.kind)}},
              {"completion_window", "24h"},
              {"metadata", {{batch_name, part.batch}, {part_name, part.id}}}}
      .dump();
}

std::string id_in(const std::string& body) {
  return id_of(parsed(body), "id");
}

std::optional<remote_batch> batch_in(const std::string& body) {
  return batch_of_json(parsed(body));
}

found_in_list<std::string> find_upload(const std::string& body, const part_record& part) {
  found_in_list<std::string> result;
  auto name = upload_name(part);
  result.after = each_of_page(parsed(body), [&](const json& x) {
    if (text_of(x, "filename") != name || id_of(x, "id").empty())
      return false;
    result.found = id_of(x, "id");
    return true;
  });
  return result;
}

found_in_list<remote_batch> find_batch(const std::string& body, const part_record& part) {
  found_in_list<remote_batch> result;
  result.after = each_of_page(parsed(body), [&](const json& x) {
    auto created = x.find("created_at");
    if (created != x.end() && created->is_number_integer() &&
        created->get<int64_t>() < part.asked_at - clock_slack_seconds)
      return true; // the newest come first: ours would have come
    auto metadata = x.find("metadata");
    if (metadata == x.end() || !metadata->is_object() || text_of(*metadata, part_name) != part.id)
      return false;
    result.found = batch_of_json(x);
    return result.found.has_value();
  });
  return result;
}

} // namespace sluice
