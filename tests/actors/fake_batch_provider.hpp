#pragma once

#include "runtime/actors.hpp"

#include <caf/all.hpp>
#include <nlohmann/json.hpp>

#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace sluice::test {

/// A provider with files and batches, in memory. A batch is over when it has been looked at
/// `polls` times. What a request says decides how it ends: "bad" is refused, "broken" is the
/// provider's own failure, everything else is answered.
struct batch_provider {
  struct batch {
    std::string id;
    std::string status;
    std::string input;
    nlohmann::json metadata;
    int64_t created_at = 0;
    int looks = 0;
    std::string output{};
    std::string errors{};
  };

  std::function<bool()> dies_before = [] { return false; }; ///< asked once before each call
  std::function<bool()> dies_after = [] { return false; };  ///< once between effect and answer
  std::function<int64_t()> now = [] { return 0; };          ///< Unix seconds
  int polls = 2;
  int status = 0; ///< every call about files and batches is refused with it
  bool reachable = true;
  std::string ends = "completed";
  size_t ends_after = SIZE_MAX; ///< lines executed of a batch
  std::map<std::string, std::string> files;
  std::map<std::string, std::string> names; ///< of files
  std::vector<batch> batches;               ///< in the order of creation
  std::map<std::string, int> executed;      ///< by custom id here
  std::vector<upstream_call> calls;
  std::vector<std::string> requests; ///< "GET files/x"
  int next = 0;

  std::string make(const char* prefix) { return prefix + std::to_string(++next); }

  void execute(batch& x) {
    std::istringstream input{files.at(x.input)};
    std::string output;
    std::string errors;
    size_t count = 0;
    for (std::string text; std::getline(input, text) && count < ends_after; ++count) {
      auto line = nlohmann::json::parse(text);
      auto content = line["body"]["messages"][0]["content"].get<std::string>();
      auto id = line["custom_id"].get<std::string>();
      ++executed[id];
      nlohmann::json body{{"id", "c"},
                          {"model", line["body"]["model"]},
                          {"usage", {{"prompt_tokens", 10}, {"completion_tokens", 5}}}};
      auto code = content == "bad" ? 400 : content == "broken" ? 500 : 200;
      if (code != 200)
        body = {{"error", {{"message", "no"}}}};
      nlohmann::json result{{"id", "r"}, {"custom_id", id}, {"error", nullptr}};
      result["response"] = {{"status_code", code}, {"request_id", "q"}, {"body", body}};
      (code == 200 ? output : errors) += result.dump() + "\n";
    }
    x.status = ends;
    if (!output.empty())
      files[x.output = make("out-")] = output;
    if (!errors.empty())
      files[x.errors = make("err-")] = errors;
  }

  static nlohmann::json json_of(const batch& x) {
    nlohmann::json result{{"id", x.id}, {"status", x.status}, {"metadata", x.metadata}};
    result["created_at"] = x.created_at;
    result["output_file_id"] =
        x.output.empty() ? nlohmann::json(nullptr) : nlohmann::json(x.output);
    result["error_file_id"] = x.errors.empty() ? nlohmann::json(nullptr) : nlohmann::json(x.errors);
    return result;
  }

  batch* find(const std::string& id) {
    for (auto& x : batches)
      if (x.id == id)
        return &x;
    return nullptr;
  }

  /// Newest first, two a page.
  nlohmann::json page(std::vector<nlohmann::json> all, const std::string& path) {
    std::vector<nlohmann::json> shown;
    auto at = path.find("&after=");
    auto after = at == path.npos ? std::string{} : path.substr(at + 7);
    for (auto i = all.rbegin(); i != all.rend(); ++i)
      if (after.empty())
        shown.push_back(*i);
      else if ((*i)["id"] == after)
        after.clear();
    auto more = shown.size() > 2;
    shown.resize(std::min<size_t>(shown.size(), 2));
    return {{"data", shown}, {"has_more", more}};
  }

  /// Does what `x` asks; null where it is refused.
  nlohmann::json answer(const upstream_call& x) {
    auto& path = x.path;
    auto id = path.substr(path.find('/') + 1);
    if (path == "files") {
      auto& form = x.body.str();
      auto head = form.find("jsonl\r\n\r\n");
      auto name = form.find("filename=\"");
      auto file = make("file-");
      files[file] = form.substr(head + 9, form.rfind("\r\n--") - head - 9);
      names[file] = form.substr(name + 10, form.find('"', name + 10) - name - 10);
      return {{"id", file}};
    }
    if (path == "batches") {
      auto asked = nlohmann::json::parse(x.body.str());
      batches.push_back(
          {make("batch-"), "in_progress", asked["input_file_id"], asked["metadata"], now()});
      return json_of(batches.back());
    }
    if (path.starts_with("files?")) {
      std::vector<nlohmann::json> all;
      for (auto& [file, name] : names)
        all.push_back({{"id", file}, {"filename", name}});
      return page(all, path);
    }
    if (path.starts_with("batches?")) {
      std::vector<nlohmann::json> all;
      for (auto& each : batches)
        all.push_back(json_of(each));
      return page(all, path);
    }
    if (x.method == call_method::remove) {
      names.erase(id);
      return files.erase(id) > 0 ? nlohmann::json{{"id", id}} : nlohmann::json{};
    }
    auto* found = find(id.substr(0, id.find('/')));
    if (!found)
      return {};
    if (path.ends_with("/cancel") && found->status == "in_progress") {
      ends = "cancelled";
      execute(*found);
    } else if (found->status == "in_progress" && ++found->looks >= polls) {
      execute(*found);
    }
    return json_of(*found);
  }
};

inline upstream_actor::behavior_type fake_batch_provider(upstream_actor::pointer self,
                                                         std::shared_ptr<batch_provider> x) {
  auto refuse = [self](const upstream_call& call, ec code, int status, bool sent) {
    upstream_failure out;
    out.call = call.call;
    out.why.code = code;
    out.why.upstream_status = status;
    out.why.sent = sent;
    self->send(call.client, out);
  };
  auto serve = [self, x, refuse](const upstream_call& call) {
    if (call.path.empty()) { // a line on its own
      auto body = nlohmann::json::parse(call.body.str());
      ++x->executed["alone"];
      if (body["messages"][0]["content"] == "bad")
        return refuse(call, ec::upstream_rejected, 400, true);
      upstream_reply reply{call.call, R"({"id":"alone"})", {}, {10, 0, 0, 5, 0}, true, {}};
      return self->send(call.client, reply);
    }
    if (!x->reachable)
      return refuse(call, ec::upstream_unreachable, 0, false);
    if (x->status != 0)
      return refuse(call, x->status < 500 ? ec::upstream_rejected : ec::upstream_failed, x->status,
                    true);
    if (call.path.ends_with("/content")) {
      auto id = call.path.substr(6, call.path.size() - 14);
      if (x->files.count(id) == 0)
        return refuse(call, ec::upstream_rejected, 404, true);
      auto& file = x->files.at(id);
      for (size_t i = 0; i < file.size(); i += 100) {
        stream_block block;
        block.call = call.call;
        block.events = file.substr(i, 100);
        self->send(call.client, block);
      }
      return self->send(call.client, stream_end{call.call, {}, {}, false, {}});
    }
    auto said = x->answer(call);
    if (x->dies_after())
      return;
    if (said.is_null())
      return refuse(call, ec::upstream_rejected, 404, true);
    self->send(call.client, upstream_reply{call.call, said.dump(), {}, {}, false, {}});
  };
  return {
      [x, serve](const upstream_call& call) {
        if (x->dies_before())
          return;
        static constexpr const char* verbs[] = {"POST ", "POST ", "GET ", "DELETE "};
        x->calls.push_back(call);
        x->requests.push_back(verbs[static_cast<int>(call.method)] + call.path);
        serve(call);
      },
      [](const stream_credit&) {},
      [](const cancel_call&) {},
      [](const drain&) {},
  };
}

} // namespace sluice::test
