#pragma once

#include "api/gateway/job_paths.hpp"
#include "api/http/handler.hpp"
#include "runtime/actors.hpp"

#include <memory>
#include <string>

namespace sluice {

class http_host;
struct virtual_key;

/// One request about files or batches: translated into a message to the jobs and back. Lives on its
/// host's loop; held by its connection, and by itself while the jobs owe it an answer, at most for
/// `limits.request_timeout`.
class job_exchange final : public http_exchange, public std::enable_shared_from_this<job_exchange> {
public:
  job_exchange(http_host& host, std::unique_ptr<http_request> request,
               std::shared_ptr<reply_sink> sink, std::string request_id);
  ~job_exchange() override;

  void start(const job_path& path);

  void on_client_gone() override;
  void on_written(size_t bytes) override;

private:
  void ask(const job_path& path, const virtual_key& key);
  void upload();
  void list_files();
  void create(const virtual_key& key);
  void list_batches();
  void read(int64_t after);
  void on_content(file_content& x);

  template <class Answer, class Query, class Done>
  void request(Query query, Done done);
  bool read_limit(uint32_t most, uint32_t& into);
  std::string parameter(std::string_view name) const;
  void send(std::string body);
  void fail(const caf::error& why);
  void finish(uint16_t status, ec error);

  http_host& host_;
  std::unique_ptr<http_request> request_;
  std::shared_ptr<reply_sink> sink_;
  request_record record_;
  std::string id_;         ///< of the file or batch
  uint64_t unwritten_ = 0; ///< of a file, given to the connection
  int64_t last_piece_ = -1;
  bool more_ = false; ///< of a file
  bool streaming_ = false;
  bool counted_ = false; ///< as a request in work
  bool done_ = false;
};

} // namespace sluice
