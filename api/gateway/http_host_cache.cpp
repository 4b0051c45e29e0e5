#include "api/gateway/error_reply.hpp"
#include "api/gateway/http_host.hpp"
#include "api/gateway/routes.hpp"

/// What requests have to do with the cache, and those that the cache makes itself.
namespace sluice {

using std::chrono::steady_clock;

namespace {

/// Takes an answer that only the cache wants.
class discarding_sink final : public reply_sink {
public:
  void send(http_response&&) override {}
  void begin(http_response&&) override {}
  void write(std::string&& block) override {
    if (auto reader = to.lock())
      reader->on_written(block.size());
  }
  void finish() override {}
  void cut() override {}

  std::weak_ptr<exchange> to;
};

} // namespace

merge_rules http_host::rules_for(const virtual_key& key, bool may_cache) const {
  auto& settings = *setup_.settings;
  merge_rules result;
  result.tenant = key.settings.tenant;
  result.temperature_max = settings.merging.temperature_max;
  auto by_meaning = may_cache && setup_.keeper && answers_by_meaning(settings.cache);
  result.similar = settings.merging.similar || by_meaning;
  result.seed = setup_.merge_seed;
  result.policies = by_meaning ? &settings.cache.policies : nullptr;
  return result;
}

cache_use http_host::cache_use_of(const virtual_key& key, const inference_request& asked,
                                  const cache_wish& wish) const {
  cache_use result;
  result.wish = wish;
  auto terms = cache_terms_of(setup_.settings->cache, key.settings.tenant, asked.model);
  if (!terms.enabled)
    return result;
  if (result.wish.ttl.count() == 0)
    result.wish.ttl = terms.ttl;
  // Who names an age wants nothing that is out of date (RFC 9111, section 5.2.1.1), and who wants
  // no call made causes none.
  if (wish.age_max.count() < 0 && !wish.only)
    result.stale_max = terms.stale_while_revalidate;
  auto mode = asked.stream ? reply_mode::stream : reply_mode::whole;
  result.key = cache_key_of(asked.merge.exact, mode, asked.include_usage);
  if (!setup_.keeper || !terms.similar)
    return result;
  result.error_rate_max = terms.error_rate_max;
  result.any_conversation = terms.any_conversation;
  result.scope = cache_key_of(asked.merge.scope, mode, asked.include_usage);
  result.question = asked.merge.question;
  return result;
}

void http_host::ask_for_cache(request_origin why, const std::string& body, virtual_key* key,
                              const inference_request& asked, const cache_use& cached,
                              nanousd expected, bool warms) {
  if (draining_ || !setup_.admission->begin_request()) {
    if (why == request_origin::refresh)
      setup_.warming->ended(cached.key, {}, std::chrono::system_clock::now());
    return;
  }
  auto request = std::make_unique<http_request>();
  request->method = "POST";
  request->received = steady_clock::now();
  request->body.reserve(body.size() + json_padding);
  request->body = body;
  auto sink = std::make_shared<discarding_sink>();
  auto made = std::make_shared<exchange>(*this, std::move(request), sink, request_id(), key, asked,
                                         setup_.settings->limits.request_timeout);
  sink->to = made;
  own_.emplace(made.get(), made);
  made->use_cache(cache_use{cached});
  made->ask_for_cache(why, expected, warms);
  made->start();
}

void http_host::prefetch(prefetch_order&& x) {
  auto* key = setup_.keys->find(x.key_id);
  if (draining_ || !key)
    return;
  auto body = x.body.str();
  auto rules = rules_for(*key, true);
  auto reading = reader_.read(x.kind, body, &rules);
  if (reading.refusal || !key->allows(reading.request.model))
    return;
  auto& asked = reading.request;
  auto cached = cache_use_of(*key, asked, {});
  if (cached.key != x.key) // the settings are others, or the order is not of this node
    return;
  if (setup_.targets.mergers.empty())
    asked.merge = {};
  ask_for_cache(request_origin::prefetch, body, key, asked, cached, x.cost, true);
}

// -- forgetting -------------------------------------------------------------------------------

namespace {

/// What is forgotten takes a while on a disk that holds millions.
constexpr std::chrono::minutes purge_time_max{1};

/// Whose answers `key` may have forgotten by this request: a tenant's, or all of them where it is
/// empty. Fails with `permission_denied` or `invalid_value`.
caf::expected<std::string> purged_tenant(const http_request& request, const virtual_key& key) {
  auto tenant = query_parameter(request.target, "tenant");
  auto all = query_parameter(request.target, "all");
  if (!all.empty() && all != "true")
    return make_error(ec::invalid_value, "'all' must be true.", "all");
  if (!all.empty() && !tenant.empty())
    return make_error(ec::invalid_value, "Give 'tenant' or 'all', not both.", "tenant");
  auto own = all.empty() && (tenant.empty() || tenant == key.settings.tenant);
  if (!own && !key.settings.admin)
    return make_error(ec::permission_denied,
                      "Only a key with 'admin: true' may purge what other tenants have.",
                      all.empty() ? "tenant" : "all");
  return all.empty() && tenant.empty() ? key.settings.tenant : tenant;
}

/// Counts until all have answered.
struct purge_count {
  size_t left = 0;
  uint64_t memory = 0;
  uint64_t disk = 0;
  caf::error failed;
};

} // namespace

void http_host::purge(const http_request& request, std::shared_ptr<reply_sink> sink,
                      request_record&& record) {
  auto refuse_with = [&](const caf::error& why) {
    record.error = code_of(why);
    auto response = error_reply(make_failure(why), record.request_id);
    answer(request, *sink, std::move(record), std::move(response));
  };
  auto key = setup_.keys->authenticate(request.field("Authorization"), request.field("x-api-key"));
  if (!key)
    return refuse_with(key.error());
  record.tenant = (*key)->settings.tenant;
  record.key_id = (*key)->settings.id;
  auto tenant = purged_tenant(request, **key);
  if (!tenant)
    return refuse_with(tenant.error());
  auto count = std::make_shared<purge_count>();
  count->left = setup_.cache.size() + (setup_.keeper ? 1 : 0) + 1;
  record.at = std::chrono::system_clock::now();
  record.method = "DELETE";
  record.route = "/v1/cache";
  auto one_less = [this, count, sink, started = steady_clock::now(),
                   finished = std::make_shared<request_record>(std::move(record))] {
    if (--count->left > 0)
      return;
    http_response response;
    if (count->failed) {
      finished->error = code_of(count->failed);
      response = error_reply(make_failure(count->failed), finished->request_id);
    } else {
      response.headers.emplace_back("x-request-id", finished->request_id);
      response.body = R"({"object":"cache.purge","memory":)" + std::to_string(count->memory) +
                      R"(,"disk":)" + std::to_string(count->disk) + "}";
    }
    finished->status = response.status;
    finished->response_bytes = response.body.size();
    finished->duration = steady_clock::now() - started;
    sink->send(std::move(response));
    this->record(std::move(*finished));
  };
  auto fail = [count, one_less](const caf::error& why) {
    count->failed = why;
    one_less();
  };
  for (auto& shard : setup_.cache)
    this->request(shard, purge_time_max, cache_purge{*tenant})
        .then([count, one_less](uint64_t gone) { count->memory += gone, one_less(); }, fail);
  if (setup_.keeper)
    this->request(setup_.keeper, purge_time_max, cache_purge{*tenant})
        .then([count, one_less](uint64_t gone) { count->disk += gone, one_less(); }, fail);
  one_less();
}

} // namespace sluice
